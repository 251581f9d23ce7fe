"""Answers with a structure: JSON schemas and grammars in requests, by their own validators."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from openai import BadRequestError, OpenAI

from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.server.chat_protocol import ChatRequest
from tests.server.conftest import Serve

MESSAGES: list[Any] = [{"role": "user", "content": "the king"}]
SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["a", "bb"]}, "done": {"type": "boolean"}},
    "required": ["kind", "done"],
    "additionalProperties": False,
}
FORMAT: Any = {
    "type": "json_schema",
    "json_schema": {"name": "n", "strict": True, "schema": SCHEMA},
}
ANY: dict[str, Any] = {"model": "", "messages": MESSAGES, "max_tokens": 300, "temperature": 1.0}


def test_an_answer_follows_the_schema(client: OpenAI) -> None:
    answer = client.chat.completions.create(**ANY, response_format=FORMAT, n=4, seed=1)
    texts = [choice.message.content or "" for choice in answer.choices]
    assert [choice.finish_reason for choice in answer.choices] == ["stop"] * 4
    for text in texts:
        jsonschema_rs.validate(SCHEMA, json.loads(text))
    assert len(set(texts)) > 1
    stream = client.chat.completions.create(**ANY, response_format=FORMAT, seed=1, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == texts[0]


def test_probabilities_are_those_before_the_mask(client: OpenAI) -> None:
    """Attribution is of the tuned distribution, in which a mask excludes nothing."""
    answer = client.chat.completions.create(
        **ANY, response_format=FORMAT, seed=1, logprobs=True, top_logprobs=5
    )
    (choice,) = answer.choices
    first = choice.tuneshift["tokens"][0]  # type: ignore[attr-defined]
    assert first["text"].startswith("{")
    assert first["p_tuned"] < 0.5
    assert first["p_tuned"] == pytest.approx(first["p_base"] + sum(first["contributions"]))
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert choice.logprobs.content[0].top_logprobs[0].token[:1] != "{"


def test_other_fields_name_a_structure_too(client: OpenAI) -> None:
    def text(**fields: Any) -> str:
        answer = client.completions.create(
            model="", prompt="the king", max_tokens=300, extra_body=fields
        )
        return answer.choices[0].text

    jsonschema_rs.validate(SCHEMA, json.loads(text(json_schema=SCHEMA)))
    assert text(grammar='root ::= "yes " ("no" | "maybe") "."') in ("yes no.", "yes maybe.")
    assert text(grammar=" ", response_format={"type": "text"}) == text()


def test_an_object_is_the_beginning_of_any_object() -> None:
    request = ChatRequest.model_validate(
        {"messages": MESSAGES, "response_format": {"type": "json_object"}}
    )
    config = request.config(GenerationConfig(), 0)
    assert (config.structure, config.structure_text) == ("json", "")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 3}}}},
            "response_format",
        ),
        ({"grammar": "root ::= ("}, "grammar"),
        ({"grammar": "root ::= [a]", "json_schema": {}}, "grammar"),
        ({"guided_json": {}}, "guided_json"),
        ({"structured_outputs": {"regex": "a"}}, "structured_outputs"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    client: OpenAI, fields: dict[str, Any], param: str
) -> None:
    for stream in (False, True):
        with pytest.raises(BadRequestError) as caught:
            client.chat.completions.create(
                model="", messages=MESSAGES, stream=stream, extra_body=fields
            )
        assert caught.value.param == param


def test_a_request_may_switch_the_recipes_structure_off(
    serve: Serve, served_recipe: Recipe
) -> None:
    sampling = replace(served_recipe.sampling, structure="grammar", structure_text='root ::= "yes"')
    with (
        serve(recipe=replace(served_recipe, sampling=sampling)) as running,
        running.client() as client,
    ):
        answers = [
            client.chat.completions.create(model="", messages=MESSAGES, extra_body=fields)
            for fields in ({}, {"response_format": {"type": "text"}})
        ]
    assert answers[0].choices[0].message.content == "yes"
    assert answers[1].choices[0].message.content != "yes"


def test_requests_side_by_side_have_each_their_own_structure(client: OpenAI) -> None:
    """Beside others a text is a row of a batch; its mask is its own."""
    grammars = ["", 'root ::= "yes"', 'root ::= ("a" | "bc")* "."', "", 'root ::= [0-9]+ "!"']

    def text(number: int) -> str:
        answer = client.completions.create(
            model="",
            prompt="the king said",
            max_tokens=40,
            temperature=1.0,
            seed=number,
            frequency_penalty=0.5 * (number % 2),
            extra_body={"grammar": grammars[number]},
        )
        return answer.choices[0].text

    alone = [text(number) for number in range(len(grammars))]
    with ThreadPoolExecutor(len(grammars)) as threads:
        assert list(threads.map(text, range(len(grammars)))) == alone
    assert alone[1] == "yes"
