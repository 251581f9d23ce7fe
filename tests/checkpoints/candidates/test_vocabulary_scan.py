"""The vocabulary that is read in steps is that of a JSON parser, and of the tokenizers library."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken

from app.checkpoints.candidates.vocabulary_scan import read_ids
from tests import tiny

_TOKENS = st.text(st.characters(exclude_categories=["Cs"]), min_size=0, max_size=8)
_AWKWARD = ['"', "\\", '"}', '"vocab": {', '"merges": [', "merges", "\n", "\x00", "한", "", "}"]


def content(ids: Mapping[str, int], indent: int | None, ascii_only: bool = False) -> bytes:
    whole = {
        "added_tokens": [{"id": 9_000, "content": "<added>"}],
        "model": {"type": "BPE", "vocab": ids, "merges": [["a", "b"], ["vocab", "{"]]},
    }
    return json.dumps(whole, indent=indent, ensure_ascii=ascii_only).encode()


@pytest.mark.slow
@given(st.lists(_TOKENS, unique=True), st.sampled_from([None, 1]), st.booleans())
def test_any_tokens(tokens: list[str], indent: int | None, ascii_only: bool) -> None:
    ids = {token: index for index, token in enumerate([*dict.fromkeys([*tokens, *_AWKWARD])])}
    assert read_ids(content(ids, indent, ascii_only)) == ids | {"<added>": 9_000}


@pytest.mark.parametrize("pretty", [True, False])
def test_a_real_tokenizer(pretty: bool) -> None:
    tokenizer = tiny.make_tokenizer()
    tokenizer.add_tokens([AddedToken("<new>", special=True)])
    assert read_ids(tokenizer.to_str(pretty).encode()) == tokenizer.get_vocab()


def test_added_tokens_after_the_model_are_read() -> None:
    whole = {
        "model": {"vocab": {"a": 0}, "merges": []},
        "added_tokens": [{"id": 1, "content": "b"}],
    }
    assert read_ids(json.dumps(whole).encode()) == {"a": 0, "b": 1}


def test_other_forms() -> None:
    assert read_ids(b'{"a": 0, "b": 1}') == {"a": 0, "b": 1}
    assert read_ids(b'{"vocab": 0, "b": 1}') == {"vocab": 0, "b": 1}
    assert read_ids(b'{"model": {"vocab": [["a", 0.5], ["b", 1]]}}') == {"a": 0, "b": 1}
    assert read_ids(b'{"model": {"vocab": { }, "merges": []}}') == {}


@pytest.mark.parametrize("end", ["", ",", '"', '"b"', '"b":', '"b": x}', '"b": 1', '"b": -1}'])
def test_a_damaged_vocabulary_is_an_error(end: str) -> None:
    with pytest.raises(ValueError, match="damaged at byte"):
        read_ids(f'{{"model": {{"vocab": {{"a": 0, {end}'.encode())
