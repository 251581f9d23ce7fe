"""Echoed prompts with log-probabilities, and prompts of token ids, as benchmarks use them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from app.checkpoints.spec import Recipe
from app.engine.echo import split_echo
from tests import tiny
from tests.server.conftest import PATIENCE, Running, Serve

PROMPT = "the king said to the sea"
ALPHA = 0.8


class Oracle:
    """The tuned distribution, from uncached forward passes of transformers."""

    def __init__(self, family: tiny.Family) -> None:
        load = AutoModelForCausalLM.from_pretrained
        folders = (family.base, family.expert, family.antiexpert)
        self._models = [load(folder, dtype=torch.float32).eval() for folder in folders]
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(family.base)

    def logprobs(self, ids: list[int], alpha: float = ALPHA) -> torch.Tensor:
        """After every token, [n, V]."""
        with torch.no_grad():
            base, expert, anti = (m(torch.tensor([ids])).logits[0] for m in self._models)
        return torch.log_softmax(base + alpha * (expert - anti), -1)


@pytest.fixture(scope="module")
def oracle(llama: tiny.Family) -> Oracle:
    return Oracle(llama)


@pytest.fixture(scope="module")
def ids(oracle: Oracle) -> list[int]:
    found: list[int] = oracle.tokenizer(PROMPT)["input_ids"]
    assert len(found) > 3
    return found


def ask(client: OpenAI, prompt: Any, **options: Any) -> Any:
    return client.completions.create(model="", prompt=prompt, **options)


def test_a_prompt_of_token_ids_equals_the_text(client: OpenAI, ids: list[int]) -> None:
    said, written = ask(client, PROMPT), ask(client, ids)
    assert written.choices[0].text == said.choices[0].text
    assert written.usage.prompt_tokens == said.usage.prompt_tokens
    assert written.usage.completion_tokens == said.usage.completion_tokens
    several = ask(client, [ids, ids[:3]])
    assert several.choices[0].text == said.choices[0].text
    assert several.usage.prompt_tokens == len(ids) + 3


@pytest.mark.parametrize("as_ids", [True, False])
def test_echo_scores_every_token_of_the_prompt(
    client: OpenAI, oracle: Oracle, ids: list[int], as_ids: bool
) -> None:
    answer = ask(client, ids if as_ids else PROMPT, echo=True, max_tokens=1, logprobs=3)
    (choice,) = answer.choices
    told = choice.logprobs
    rows = oracle.logprobs(ids)
    best = int(rows[-1].argmax())
    assert told.token_logprobs[0] is None
    assert told.top_logprobs[0] is None
    expected = [rows[place, index].item() for place, index in enumerate([*ids[1:], best])]
    assert told.token_logprobs[1:] == pytest.approx(expected, abs=1e-4)
    for place, listed in enumerate(told.top_logprobs[1:]):
        assert list(listed.values()) == pytest.approx(rows[place].topk(3).values.tolist(), abs=1e-4)
    assert choice.text == PROMPT + oracle.tokenizer.decode([best])
    for token, start in zip(told.tokens, told.text_offset, strict=True):
        assert choice.text[start : start + len(token)] == token
    assert answer.usage.prompt_tokens == len(ids)
    assert answer.usage.completion_tokens == 1


def test_echo_works_with_lm_evaluation_harness(
    client: OpenAI, oracle: Oracle, ids: list[int]
) -> None:
    """``local-completions`` sends ids and sums the log-probabilities after the context."""
    context = 3
    greedy = ids[:context]
    for _ in range(4):
        greedy = [*greedy, int(oracle.logprobs(greedy)[-1].argmax())]
    prompts = [ids, greedy]
    body = {"max_tokens": 1, "logprobs": 1, "echo": True, "temperature": 0, "seed": 1234}
    answer = ask(client, prompts, **body)
    for prompt, choice, is_greedy in zip(prompts, answer.choices, [False, True], strict=True):
        told = choice.logprobs
        scores = told.token_logprobs[context:-1]
        rows = oracle.logprobs(prompt)[context - 1 : -1]
        expected = rows.gather(1, torch.tensor(prompt[context:])[:, None]).sum().item()
        assert sum(scores) == pytest.approx(expected, abs=1e-3)
        pairs = zip(scores, told.top_logprobs[context:-1], strict=True)
        assert all(score == max(top.values()) for score, top in pairs) == is_greedy


def test_alphas_affect_echoed_logprobs(client: OpenAI, oracle: Oracle, ids: list[int]) -> None:
    options = {"echo": True, "max_tokens": 0, "logprobs": 0, "extra_body": {"alphas": [-1.5]}}
    (choice,) = ask(client, ids, **options).choices
    rows = oracle.logprobs(ids, -1.5)
    expected = [rows[place, index].item() for place, index in enumerate(ids[1:])]
    assert choice.logprobs.token_logprobs[1:] == pytest.approx(expected, abs=1e-4)


def test_max_tokens_0_returns_only_the_prompt(client: OpenAI, ids: list[int]) -> None:
    answer = ask(client, [ids, ids], echo=True, max_tokens=0, logprobs=1)
    for choice in answer.choices:
        assert choice.text == PROMPT
        assert len(choice.logprobs.tokens) == len(ids)
    assert answer.usage.completion_tokens == 0
    explained = answer.choices[0].tuneshift["tokens"]
    assert [token["token_id"] for token in explained] == ids[1:]


def test_echo_does_not_change_the_generated_text(client: OpenAI) -> None:
    plain = ask(client, PROMPT, max_tokens=6).choices[0].text
    assert ask(client, PROMPT, max_tokens=6, echo=True).choices[0].text == PROMPT + plain


def test_a_prompt_of_one_token_has_no_logprobs(client: OpenAI, ids: list[int]) -> None:
    (choice,) = ask(client, ids[:1], echo=True, max_tokens=2, logprobs=1).choices
    assert choice.logprobs.token_logprobs[0] is None
    assert len(choice.logprobs.tokens) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 0}, "only with"),
        ({"echo": True, "stream": True}, "cannot be combined with"),
        ({"echo": True, "stop": "."}, "cannot be combined with"),
        ({"prompt": [5, 99_999]}, "holds an id"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": ["a", [1]]}, None),
    ],
)
def test_invalid_combinations_with_echo_are_errors(
    server: Running, options: dict[str, Any], message: str | None
) -> None:
    body = {"prompt": PROMPT, **options}
    answer = httpx2.post(f"{server.url}/v1/completions", json=body, timeout=PATIENCE)
    assert answer.status_code == 400, answer.text
    assert (message or "") in answer.text


def test_stop_strings_do_not_apply_to_an_echoed_prompt(serve: Serve, served_recipe: Recipe) -> None:
    sampling = replace(served_recipe.sampling, stop=("king",))
    with (
        serve(recipe=replace(served_recipe, sampling=sampling)) as running,
        running.client() as client,
    ):
        assert ask(client, PROMPT, echo=True, max_tokens=0).choices[0].text == PROMPT


def test_a_raw_prompt_is_echoed_and_scored_whatever_the_prompt_formats_are(
    serve: Serve, served_recipe: Recipe, oracle: Oracle, ids: list[int]
) -> None:
    pair = served_recipe.pairs[0]
    spec = replace(pair.expert, prompt="Q: {prompt}\nA:")
    recipe = replace(served_recipe, pairs=(replace(pair, expert=spec),))
    rows = oracle.logprobs(ids)
    expected = [rows[place, index].item() for place, index in enumerate(ids[1:])]
    with serve(recipe=recipe) as running, running.client() as client:
        for prompt in (PROMPT, ids):
            (choice,) = ask(client, prompt, echo=True, max_tokens=0, logprobs=0).choices
            assert choice.text == PROMPT
            assert choice.logprobs.token_logprobs[1:] == pytest.approx(expected, abs=1e-4)


prompts = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=3)


@given(prompts)
def test_echo_scores_the_longest_common_suffix_of_the_roles_prompts(
    prompts: list[list[int]],
) -> None:
    heads, echoed = split_echo(prompts)
    assert [[*head, *echoed] for head in heads] == prompts
    assert all(heads)
    longer = [prompt[len(prompt) - len(echoed) - 1 :] for prompt in prompts]
    alike = all(each == longer[0] for each in longer)
    assert not alike or min(map(len, prompts)) == len(echoed) + 1
