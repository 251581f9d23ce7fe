"""Text and spans: exact for any token ids, with stop strings that are in no step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from app.decoding.detokenizer import Detokenizer, TextBuffer
from app.decoding.types import RoleLogits, TokenStep
from tests import tiny

BYTES = tiny.make_tokenizer()
METASPACE = tiny.make_metaspace_tokenizer()


def step(index: int, token_id: int) -> TokenStep:
    return TokenStep(index, token_id, "", 0, (), RoleLogits(None, (), ()), 1.0)  # type: ignore[arg-type]


def run(
    tokenizer: Tokenizer,
    ids: list[int],
    stop: tuple[str, ...] = (),
    prompt: list[int] | None = None,
) -> tuple[list[TokenStep], bool]:
    buffer = TextBuffer(Detokenizer(tokenizer, prompt or []), stop)
    steps: list[TokenStep] = []
    for index, token_id in enumerate(ids):
        steps += buffer.push(step(index, token_id))
        if buffer.stopped:
            return steps, True
    return steps + list(buffer.flush()), False


def text_of(steps: list[TokenStep]) -> str:
    return "".join(item.text for item in steps)


def check_spans(steps: list[TokenStep]) -> None:
    """Spans follow each other and cover the text exactly."""
    text, end = text_of(steps), 0
    for place, item in enumerate(steps):
        assert item.index == place
        assert item.start == end
        assert text[item.start : item.end] == item.text
        end = item.end
    assert end == len(text)


@pytest.mark.slow
@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_text_comes_back_with_exact_spans(text: str) -> None:
    steps, _ = run(BYTES, BYTES.encode(text).ids)
    assert text_of(steps) == text
    check_spans(steps)


@pytest.mark.parametrize("text", ["한국어 👩‍👩‍👧 é", "é\n\t🇰🇷", "ว่า ﷽"])
def test_a_character_of_several_tokens_is_never_split(text: str) -> None:
    steps, _ = run(BYTES, BYTES.encode(text).ids)
    assert text_of(steps) == text
    assert any(item.text == "" for item in steps)  # bytes inside a character
    assert not any("\ufffd" in item.text for item in steps)


@pytest.mark.slow
@given(st.lists(st.integers(0, tiny.VOCABULARY - 1), max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_ids_give_what_the_tokenizer_decodes(ids: list[int]) -> None:
    steps, _ = run(BYTES, ids)
    assert text_of(steps) == BYTES.decode(ids, skip_special_tokens=False)
    assert [item.token_id for item in steps] == ids
    check_spans(steps)


@pytest.mark.slow
@given(st.lists(st.integers(1, METASPACE.get_vocab_size() - 1), max_size=20))
@settings(max_examples=200, deadline=None)
def test_byte_fallback_has_exact_spans(ids: list[int]) -> None:
    steps, _ = run(METASPACE, ids, prompt=[257])
    assert [item.token_id for item in steps] == ids
    check_spans(steps)


def test_a_leading_space_after_the_prompt_is_text() -> None:
    steps, _ = run(METASPACE, [257, 258], prompt=[257])
    assert text_of(steps) == " the king"
    korean = [METASPACE.token_to_id(f"<0x{byte:02X}>") for byte in "국".encode()]
    steps, _ = run(METASPACE, [257, *korean], prompt=[257])
    assert [item.text for item in steps] == [" the", "", "", "국"]


def test_a_character_that_stays_incomplete_is_a_replacement() -> None:
    ids = BYTES.encode("a한").ids[:2]
    steps, _ = run(BYTES, ids)
    assert text_of(steps) == "a\ufffd"
    check_spans(steps)


def stops(ids_text: str, *stop: str) -> tuple[str, int, bool]:
    steps, stopped = run(BYTES, BYTES.encode(ids_text).ids, stop)
    check_spans(steps)
    return text_of(steps), len(steps), stopped


@pytest.mark.parametrize(
    ("text", "stop", "kept"),
    [
        ("the king said xyz", ("xyz",), "the king said "),
        ("the king said", ("the",), ""),
        ("the king", ("ing",), "the k"),
        ("the king and thou", ("thou", "and"), "the king "),
        ("aab", ("ab",), "a"),
        ("ab ab abc", ("abc",), "ab ab "),
        ("the 한국어", ("국",), "the 한"),
        ("one\n\ntwo", ("\n\n",), "one"),
        ("xxyxxz", ("xxz", "xy"), "x"),
    ],
)
def test_a_stop_string_ends_the_text_before_it(text: str, stop: tuple[str, ...], kept: str) -> None:
    result, _, stopped = stops(text, *stop)
    assert stopped
    assert result == kept


def test_the_prefix_of_a_stop_string_is_held_and_then_released() -> None:
    buffer = TextBuffer(Detokenizer(BYTES), ("xyz",))
    ids = BYTES.encode("axya").ids
    released = [len(list(buffer.push(step(i, token)))) for i, token in enumerate(ids)]
    assert released == [1, 0, 0, 3]
    assert stops("end xy", "xyz")[0] == "end xy"


@pytest.mark.slow
@given(
    st.text("abc \n", max_size=25), st.lists(st.text("abc \n", min_size=1, max_size=4), max_size=3)
)
@settings(max_examples=300, deadline=None)
def test_stop_strings_equal_a_search_of_the_whole_text(text: str, stop: list[str]) -> None:
    found = [text.find(item) for item in stop if item in text]
    result, _, stopped = stops(text, *stop)
    assert stopped == bool(found)
    if not found:
        assert result == text
    else:
        # Generation ends at the first token that completes a stop string; another one that begins
        # earlier may be completed only later, and is then not reached.
        assert text.startswith(result)
        assert any(text.startswith(item, len(result)) for item in stop)
        assert not any(item in result for item in stop)
