"""Answers of every form, and answers of none."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkpoints.endpoints import wire


def legacy(*tables: object, **more: object) -> dict[str, object]:
    return {"logprobs": {"top_logprobs": list(tables)}, **more}


def test_the_legacy_form() -> None:
    choice = legacy(None, {" a": -1.0, "bytes:\\xe2\\x82": -2, "token_id:7": -3.0})
    assert wire.generated(choice, 5, ids=False) == [
        None,
        {b" a": -1.0, b"\xe2\x82": -2.0, b"token_id:7": -3.0},
    ]
    assert wire.generated(choice, 5, ids=True)[1] == {b" a": -1.0, b"\xe2\x82": -2.0, 7: -3.0}


def test_the_form_of_llama_cpp() -> None:
    entries = [
        {"id": 3, "token": "\ufffd", "bytes": [226], "logprob": -0.5},
        {"id": 4, "token": "b", "bytes": None, "logprob": -1.5},
    ]
    choice = {"logprobs": {"content": [{**entries[0], "top_logprobs": entries}]}}
    assert wire.generated(choice, 5, ids=False) == [{b"\xe2": -0.5, b"b": -1.5}]
    assert wire.generated(choice, 5, ids=True) == [{3: -0.5, 4: -1.5}]


def test_prompts_in_the_form_of_vllm() -> None:
    choice = {"prompt_logprobs": [None, {"3": {"logprob": -0.5}, "9": {"logprob": -7.0}}]}
    assert wire.of_prompt(choice, 1) == [None, {3: -0.5}]
    assert wire.of_prompt({}, 1) is None


def test_no_more_than_were_asked_for_and_nothing_that_is_impossible() -> None:
    choice = legacy({"a": -1.0, "b": -2.0, "c": -9999.0, "d": -3.0})
    assert wire.generated(choice, 2, ids=False) == [{b"a": -1.0, b"b": -2.0}]
    assert wire.generated(choice, -1, ids=False) == [{b"a": -1.0, b"b": -2.0, b"d": -3.0}]
    assert wire.generated(legacy({"a": 1e-6}), 2, ids=False) == [{b"a": 0.0}]


@pytest.mark.parametrize("wrong", [math.nan, 0.5, "x", None, True])
def test_what_is_no_log_probability(wrong: object) -> None:
    with pytest.raises(wire.FormError):
        wire.generated(legacy({"a": wrong}), 2, ids=False)


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "logprobs",
                    "top_logprobs",
                    "content",
                    "token",
                    "bytes",
                    "id",
                    "logprob",
                    "prompt_logprobs",
                    "tokens",
                    "7",
                    "²",
                    "finish_reason",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(answer=st.dictionaries(st.just("choices"), st.lists(values, max_size=2)), ids=st.booleans())
def test_any_answer_is_read_or_refused(answer: dict[str, object], ids: bool) -> None:
    with suppress(wire.FormError):
        choice = wire.choice_of(answer)
        assert choice is answer["choices"][0]
        assert isinstance(wire.tokens_of(choice), list)
        check_positions(wire.generated(choice, 2, ids=ids))
        check_positions(wire.of_prompt(choice, 2))


def check_positions(positions: list[wire.Position | None] | None) -> None:
    """At most the two most probable tokens at each position, with finite log-probabilities."""
    for position in positions or []:
        if position is not None:
            assert len(position) <= 2
            assert all(-9999 < value <= 0 for value in position.values())
