"""Returned tokens and ids: by exact bytes, against what the tokenizers themselves decode."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer

from app.checkpoints.endpoints.matching import Matcher, token_bytes
from tests import tiny

TOKENIZERS = {"byte level": tiny.make_tokenizer, "byte fallback": tiny.make_metaspace_tokenizer}


def matcher(tokenizer: Tokenizer, begin: int | None = None, end: int | None = 0) -> Matcher:
    return Matcher(tokenizer, tokenizer.get_vocab_size() + 3, begin, end)


@pytest.mark.parametrize("make", TOKENIZERS.values(), ids=TOKENIZERS)
def test_bytes_of_tokens_are_what_they_add_to_a_text(make) -> None:  # type: ignore[no-untyped-def]
    tokenizer = make()
    anchor = tokenizer.encode("a", add_special_tokens=False).ids
    size = tokenizer.get_vocab_size()
    spelled = token_bytes(tokenizer, size + 2)
    assert spelled[size:] == [None, None]
    whole = 0
    for index, found in enumerate(spelled[:size]):
        text = tokenizer.decode([*anchor, index], skip_special_tokens=False).removeprefix("a")
        assert found is not None
        if "\ufffd" not in text:
            assert found == text.encode()
            whole += 1
        else:
            with pytest.raises(UnicodeDecodeError):
                found.decode()
    assert whole > 100


def test_ids_are_found_by_bytes_or_by_id() -> None:
    tokenizer = tiny.make_tokenizer()
    made = matcher(tokenizer)
    king = tokenizer.token_to_id("Ġking")
    position = {b" king": -1.0, b"\xe2": -2.0, 5: -3.0}
    assert made.match(position, whole=False, ends=False) == {
        king: -1.0,
        tokenizer.token_to_id("â"): -2.0,
        5: -3.0,
    }
    assert made.unmatched() == ()


def test_what_has_no_id_is_named() -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.add_tokens([AddedToken(" the", normalized=False)])  # which “Ġthe” is, too
    made = matcher(tokenizer)
    position = {b" the": -1.0, b"zzz": -2.0, "\ufffd": -3.0, 9_999: -4.0, b"": -5.0, b"a": -6.0}
    for _ in range(2):
        found = made.match(position, whole=True, ends=False)
        assert found == {tokenizer.token_to_id("a"): -6.0}
    assert {(item.token, item.reason, item.times) for item in made.unmatched()} == {
        (" the", "ambiguous", 2),
        ("zzz", "absent", 2),
        ("\ufffd", "not spelled in bytes", 2),
        ("9999", "absent", 2),
        ("", "not spelled in bytes", 2),
    }
    made.begin()
    assert made.unmatched() == ()


def test_a_token_inside_a_character_cannot_be_sent_as_text() -> None:
    tokenizer = tiny.make_tokenizer()
    made = matcher(tokenizer)
    assert made.match({b"\xe2": -1.0}, whole=True, ends=False) == {}
    (named,) = made.unmatched()
    assert (named.token, named.reason) == ("\\xe2", "inside a character")


def test_a_token_without_text_ends_where_the_server_does() -> None:
    made = matcher(tiny.make_tokenizer())
    best = {b"": -0.1, b"a": -3.0}
    assert 0 in made.match(best, whole=False, ends=True)
    assert 0 not in made.match(best, whole=False, ends=False)
    assert 0 not in made.match({b"": -3.0, b"a": -0.1}, whole=False, ends=True)
    assert matcher(tiny.make_tokenizer(), end=None).match({b"": 0.0}, whole=False, ends=True) == {}


def test_text_has_no_beginning_of_sequence_and_ends_with_a_whole_character() -> None:
    tokenizer = tiny.make_tokenizer()
    made = matcher(tokenizer, begin=0)
    ids = tokenizer.encode("the king 한").ids
    assert made.text([0, *ids]) == "the king 한"
    assert made.text(ids[:-1]) is None
    assert made.text([0]) == ""
    metaspace = tiny.make_metaspace_tokenizer()
    the = metaspace.token_to_id("▁the")
    assert matcher(metaspace).text([the, the]) == "the the"
