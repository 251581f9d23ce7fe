"""Conversations from JSON, and their plain form for models without a chat template."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.checkpoints.conversation import (
    Conversation,
    Message,
    TokenIds,
    check_answerable,
    conversation_of,
)
from app.checkpoints.plain_conversation import conversation_text, next_turns
from app.checkpoints.prompts import encode_prompt
from app.checkpoints.spec import PERSONA_TEMPLATE, CheckpointSpec, ExpertPair, Recipe
from app.errors import PromptError
from tests.checkpoints.test_prompts import CHAT_TEMPLATE, read, spec, tokenizer

ITALY = Conversation(
    (
        Message("system", "Be brief."),
        Message("user", "Capital of France?"),
        Message("assistant", "Paris."),
        Message("user", "And of Italy?"),
    )
)
LABELLED = "User:\nCapital of France?\n\nAssistant:\nParis.\n\nUser:\nAnd of Italy?\n\nAssistant:\n"
ALPACA = "{system}\n\n### Instruction:\n{prompt}\n\n### Response:\n"


def said(*messages: tuple[str, str]) -> Conversation:
    return Conversation(tuple(Message(role, content) for role, content in messages))


def test_a_conversation_is_read_back_from_its_json() -> None:
    assert conversation_of(json.loads(json.dumps(ITALY.as_json()))) == ITALY
    assert conversation_of({"model": "m", "messages": ITALY.as_json()}) == ITALY


def test_other_forms_of_the_api_are_read() -> None:
    parts = [{"type": "text", "text": "the "}, {"type": "text", "text": "king"}]
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": parts, "name": "me"},
        {"role": "assistant", "content": None},
    ]
    expected = said(("system", "Be brief."), ("user", "the king"), ("assistant", ""))
    assert conversation_of(messages) == expected


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "at least one message"),
        ("hello", "list of messages"),
        ({"messages": "hello"}, "list of messages"),
        (["hello"], r"Message 1 is not an object.*'hello'"),
        ([{"role": "user", "content": "a"}, {"content": "b"}], r"Message 2 has none of the roles"),
        ([{"role": ["user"], "content": "a"}], "Message 1 has none of the roles"),
        ([{"role": "tool", "content": "a"}], r"Message 1 has none of the roles.*'tool'"),
        ([{"role": "user"}], r"Message 1 has no text .*missing"),
        ([{"role": "user", "content": 3}], "Message 1 has no text"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "Message 1 has no text"),
        ([{"role": "user", "content": ["a"]}], "Message 1 has no text"),
        ([{"role": "assistant", "tool_calls": [{"id": "x"}]}], "calls tools"),
    ],
)
def test_what_is_no_conversation_is_refused(messages: object, problem: str) -> None:
    with pytest.raises(PromptError, match=problem):
        conversation_of(messages)


def test_only_a_message_of_the_user_can_be_answered() -> None:
    check_answerable(ITALY)
    for conversation in (ITALY.with_message("assistant", "Rome."), Conversation(())):
        with pytest.raises(PromptError, match="does not end with a message of the user"):
            check_answerable(conversation)


@pytest.mark.parametrize(
    ("format_", "own", "text"),
    [
        ("plain", "ignored", f"Be brief.\n\n{LABELLED}"),
        (PERSONA_TEMPLATE, "replaced", f"Be brief.\n\n{LABELLED}"),
        (
            ALPACA,
            "replaced",
            "Be brief.\n\n### Instruction:\nCapital of France?\n\n### Response:\nParis.\n\n"
            "### Instruction:\nAnd of Italy?\n\n### Response:\n",
        ),
        ("Q: {prompt}\nA:", "", "Q: Capital of France?\nA: Paris.\n\nQ: And of Italy?\nA:"),
    ],
)
def test_the_text_of_a_conversation(format_: str, own: str, text: str) -> None:
    assert conversation_text(ITALY, CheckpointSpec("folder:/m", prompt=format_, system=own)) == text


def test_a_role_without_a_system_message_has_its_own_system_prompt() -> None:
    asked = said(("user", "Capital?"))
    plain = "User:\nCapital?\n\nAssistant:\n"
    persona = CheckpointSpec("folder:/m", prompt=PERSONA_TEMPLATE, system="Arr.")
    assert conversation_text(asked, persona) == f"Arr.\n\n{plain}"
    assert conversation_text(asked, replace(persona, prompt="plain")) == plain
    alpaca = "### Instruction:\nCapital?\n\n### Response:\n"
    assert conversation_text(asked, replace(persona, prompt=ALPACA, system="")) == alpaca


@pytest.mark.parametrize(
    ("conversation", "text"),
    [
        (said(("system", "Be brief.")), "Be brief.\n\nAssistant:\n"),
        (said(("user", "a"), ("user", "b")), "User:\na\n\nb\n\nAssistant:\n"),
        (
            said(("assistant", "Hi."), ("user", "a")),
            "Assistant:\nHi.\n\nUser:\na\n\nAssistant:\n",
        ),
        (
            said(("user", "a"), ("assistant", "b"), ("assistant", "c")),
            "User:\na\n\nAssistant:\nb\n\nAssistant:\nc\n\nAssistant:\n",
        ),
    ],
)
def test_authors_need_not_take_turns(conversation: Conversation, text: str) -> None:
    assert conversation_text(conversation, spec()) == text


def test_the_next_turn_continues_the_text_of_this_one() -> None:
    """So that everything that was read can stay in the KV cache."""
    for format_ in ("plain", ALPACA, "Q: {prompt}\nA:"):
        role = CheckpointSpec("folder:/m", prompt=format_)
        asked = said(("user", "Capital?"))
        answered = asked.with_message("assistant", "Paris.").with_message("user", "Thanks")
        assert conversation_text(answered, role).startswith(conversation_text(asked, role))


def test_an_answer_ends_where_a_role_without_a_template_begins_the_next_turn() -> None:
    def recipe(*formats: str) -> Recipe:
        base, expert, antiexpert = (CheckpointSpec("folder:/m", prompt=text) for text in formats)
        return Recipe("r", base, (ExpertPair("p", expert, antiexpert),))

    assert next_turns(recipe("plain", "chat", PERSONA_TEMPLATE), ITALY) == ("\n\nUser:",)
    both = recipe("chat", ALPACA, "plain")
    assert next_turns(both, ITALY) == ("\n\n### Instruction:", "\n\nUser:")
    assert next_turns(both, ITALY, role=0) == ()
    assert next_turns(both, ITALY, role=1) == ("\n\n### Instruction:",)
    assert next_turns(recipe("chat", "{prompt} >", "chat"), ITALY) == ()
    assert next_turns(recipe("plain", "plain", "plain"), "a text") == ()
    assert next_turns(recipe("plain", "plain", "plain"), TokenIds((1,))) == ()
    # It is what the next turn really begins with.
    for format_ in ("plain", ALPACA, "Q: {prompt}\nA:"):
        asked = said(("user", "a"), ("assistant", "b"))
        role = recipe(format_, "chat", "chat")
        (end,) = next_turns(role, asked)
        before = conversation_text(said(("user", "a")), role.base)
        following = conversation_text(asked.with_message("user", "c"), role.base)[len(before) :]
        assert following.lstrip().startswith("b" + end)


def test_a_conversation_is_encoded_as_the_tokenizer_encodes_it() -> None:
    llama = tokenizer(chat_template=CHAT_TEMPLATE)
    expected = llama.apply_chat_template(ITALY.as_json(), add_generation_prompt=True)
    assert encode_prompt(llama, spec("chat", "replaced"), ITALY) == list(expected["input_ids"])
    own = [{"role": "system", "content": "Arr."}, {"role": "user", "content": "a"}]
    expected = llama.apply_chat_template(own, add_generation_prompt=True)
    ids = encode_prompt(llama, spec("chat", "Arr."), said(("user", "a")))
    assert ids == list(expected["input_ids"])
    plain = encode_prompt(llama, spec(), ITALY)
    assert read(llama, plain) == f"<s>Be brief.\n\n{LABELLED}"
    assert plain.count(llama.bos_token_id) == 1
