"""Chat templates that are rendered: bounded, cancellable, and as transformers renders them."""

from __future__ import annotations

import sys
from types import FrameType

import pytest
from transformers import PreTrainedTokenizerFast

from app.checkpoints import chat_template
from app.checkpoints.chat_template import encode_with_template
from app.errors import Cancelled, PromptError
from tests import tiny

NESTED = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"
SLOW_STEPS = "{% for a in range(90000) %}{% set x = range(90000) | list | length %}{% endfor %}"
MACROS = (
    "{% macro say(m, depth) %}{% if depth %}{{ say(m, depth - 1) }}{% endif %}<{{ m.role }}>"
    "{{ m.content | trim }}\n{% endmacro %}{% set ns = namespace(n=0) %}"
    "{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ say(m, 3) }}{{ ns.n * 2 }}"
    "{% if loop.last and add_generation_prompt %}<me>{% endif %}{% endfor %}"
)
MESSAGES = [{"role": "user", "content": " 12? "}, {"role": "assistant", "content": "13"}]


def with_template(template: str) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=tiny.make_tokenizer(), chat_template=template)


@pytest.mark.slow
@pytest.mark.parametrize("template", [NESTED, SLOW_STEPS])
def test_a_template_that_hardly_ends_is_stopped_and_its_model_named(
    template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_template, "MOST_SECONDS", 0.05)
    with pytest.raises(PromptError, match="folder:/m cannot be used") as caught:
        encode_with_template(with_template(template), "folder:/m", MESSAGES)
    assert "its loops may not end" in caught.value.evidence


@pytest.mark.slow
@pytest.mark.parametrize("template", [NESTED, SLOW_STEPS])
def test_rendering_is_cancelled(template: str) -> None:
    asked = iter(range(3))
    with pytest.raises(Cancelled):
        encode_with_template(
            with_template(template), "folder:/m", MESSAGES, lambda: next(asked, None) is None
        )


def test_powers_are_refused_before_they_are_computed() -> None:
    with pytest.raises(PromptError, match="cannot be used") as caught:
        encode_with_template(with_template("{{ 9 ** 9 ** 9 ** 9 }}"), "folder:/m", MESSAGES)
    assert "**" in caught.value.evidence


def test_bounded_rendering_gives_the_ids_of_transformers() -> None:
    tokenizer = with_template(MACROS)
    expected = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True)["input_ids"]
    assert encode_with_template(tokenizer, "folder:/m", MESSAGES) == expected


def test_a_tracer_that_was_there_before_goes_on() -> None:
    def tracer(frame: FrameType, event: str, argument: object) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        encode_with_template(with_template(MACROS), "folder:/m", MESSAGES)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
