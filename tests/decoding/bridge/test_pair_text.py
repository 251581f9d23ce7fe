"""Texts that grow and are cut have the tokens of the whole text."""

from __future__ import annotations

from itertools import accumulate

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.pair_text import PairText
from app.decoding.bridge.sorted_token_bytes import TokenBytes
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge
from tests.decoding.bridge.two_vocabularies import CountedModel, sentences, tokenizer

BASE, PAIR = tokenizer(330, 1), tokenizer(300, 2)
TOKENS = TokenBytes(text_bytes(PAIR, PAIR.get_vocab_size()))
WORDS = ("the", " the", " theme", "각하", " 하루", "é", "😀")
PARTS = st.sampled_from((*WORDS, "12", "345", "  ", "\n", "\n\n", "\n    ", "\t", "x=", ".", "'s"))


def encode(text: str) -> list[int]:
    ids: list[int] = PAIR.encode(text, add_special_tokens=False).ids
    return ids


@given(st.lists(PARTS, max_size=40), st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(deadline=None)
def test_a_text_that_was_cut_and_went_on_is_encoded_like_a_new_one(
    parts: list[str], cuts: list[float]
) -> None:
    text = "".join(parts).encode()
    growing = PairText(TOKENS, encode)
    for cut in (*cuts, 1.0):
        end = round(cut * len(text))
        ids, ends = growing.ids_of(text[:end])
        assert b"".join(TOKENS[each] for each in ids) == text[:end]
        assert ids == PairText(TOKENS, encode).ids_of(text[:end])[0]
        assert ends == list(accumulate(len(TOKENS[each]) for each in ids))
    assert growing.ids_of(text)[0] == encode(text.decode())


@pytest.mark.parametrize(
    "text", [" 각".encode()[:2], "the 각하".encode()[:5], b"\xff\xfe", b"the\xffthe"]
)
def test_bytes_that_are_no_text_yet_or_never_are_spelled(text: bytes) -> None:
    assert b"".join(TOKENS[each] for each in PairText(TOKENS, encode).ids_of(text)[0]) == text


@pytest.mark.slow
@given(st.data())
@settings(deadline=None, max_examples=25)
def test_rows_do_not_depend_on_what_was_read_and_taken_back(data: st.DataObject) -> None:
    bridge = VocabularyBridge(
        text_bytes(BASE, BASE.get_vocab_size()), text_bytes(PAIR, PAIR.get_vocab_size()), [], []
    )

    def made() -> BridgedLanguageModel:
        model = CountedModel(PAIR, sentences(5, 60))
        return BridgedLanguageModel(model, bridge, encode)

    with torch.inference_mode():
        wandering = made()
        begin = wandering.own([PAIR.get_vocab_size() - 1])
        wandering.extend(torch.tensor(begin))
        ids = list(begin)
        tokens = st.integers(0, BASE.get_vocab_size() - 2)
        for _ in range(data.draw(st.integers(1, 5))):
            kept = data.draw(st.integers(1, len(ids)))
            wandering.rewind(kept)
            block = data.draw(st.lists(tokens, min_size=1, max_size=5))
            ids = [*ids[:kept], *block]
            last = data.draw(st.integers(1, len(block)))
            rows = wandering.extend(torch.tensor(block), last)
            for place in range(last):
                fresh = made()
                alone = fresh.extend(torch.tensor(ids[: len(ids) - last + 1 + place]))
                torch.testing.assert_close(rows[place], alone[0], atol=1e-4, rtol=1e-4)
