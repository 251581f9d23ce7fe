"""Rows of a model of another vocabulary against sums over all of its texts, byte by byte."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.vocabulary_bridge import Opinion, VocabularyBridge
from tests.decoding.bridge.two_vocabularies import CountedModel, sentences, spelled, tokenizer
from tests.decoding.table_model import TableModel

BASE, PAIR = tokenizer(330, 1), tokenizer(300, 2)
TEXTS = sentences(5, 400)
BASE_END, PAIR_END = BASE.get_vocab_size() - 1, PAIR.get_vocab_size() - 1


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def make_bridge(*, strict: bool = False) -> VocabularyBridge:
    return VocabularyBridge(spelled(BASE), spelled(PAIR), [BASE_END], [PAIR_END], strict=strict)


def encode(text: str) -> list[int]:
    ids: list[int] = PAIR.encode(text, add_special_tokens=False).ids
    return ids


def bridged(model: CountedModel, bridge: VocabularyBridge) -> BridgedLanguageModel:
    return BridgedLanguageModel(model, bridge, encode)


def first_base_token(text: bytes, bridge: VocabularyBridge, *, ended: bool) -> int:
    """The longest token of the base that a text begins with; the end where nothing follows."""
    if ended and not text:
        return BASE_END
    tokens = {token: index for index, token in enumerate(spelled(BASE)) if token}
    return next(tokens[text[:end]] for end in range(len(text), 0, -1) if text[:end] in tokens)


def all_texts(model: CountedModel, text: bytes, more: int) -> Iterator[tuple[bytes, bool, float]]:
    """Every text that begins with ``text`` and goes on for ``more`` bytes, or ends; with its
    probability. Tokens are followed one by one from the beginning."""
    pair = [token or b"" for token in spelled(PAIR)]
    waiting = [([model.begin], b"", 1.0, 1.0)]
    while waiting:
        ids, so_far, probability, beyond = waiting.pop()
        for index, chance in model.after(ids).items():
            longer = so_far + pair[index]
            shared = min(len(longer), len(text))
            if longer[:shared] != text[:shared] or beyond < 1e-7:
                continue
            following = (probability * chance, beyond * (chance if len(so_far) >= len(text) else 1))
            if index == PAIR_END:
                if len(so_far) >= len(text):
                    yield so_far, True, following[0]
            elif len(longer) >= len(text) + more:
                yield longer, False, following[0]
            else:
                waiting.append(([*ids, index], longer, *following))


def summed(lm: BridgedLanguageModel, tokens: list[int]) -> np.ndarray:
    """The probability of each token of the base after ``tokens``, from all texts.

    Texts that begin with other tokens of the base do not count.
    """
    bridge, model = lm.bridge, lm.inner
    assert isinstance(model, CountedModel)
    text = b"".join(map(bridge.base.__getitem__, tokens))
    row = np.zeros(len(spelled(BASE)))
    for whole, ended, probability in all_texts(model, text, more=10):
        if all_first(tokens, whole, bridge):
            row[first_base_token(whole[len(text) :], bridge, ended=ended)] += probability
    return row / row.sum()


def all_first(tokens: list[int], whole: bytes, bridge: VocabularyBridge) -> bool:
    """Whether a text begins with these tokens, each the longest at its place."""
    start = 0
    for token in tokens:
        if bridge.base.first_piece(whole[start:]) != token:
            return False
        start += len(bridge.base[token])
    return True


def possible(row: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """A row without the tokens that no text goes on with.

    After “index” the pair may go on with “e”, for “indexed”; but then the base would have chosen
    its token “indexed” before. The base gives such tokens no probability.
    """
    kept = np.where(expected > 0, row, 0.0)
    return kept / kept.sum()


def grouped(row: np.ndarray, bridge: VocabularyBridge) -> np.ndarray:
    """Tokens that begin with the same piece count as one."""
    group = np.arange(len(row))
    longer = bridge.pieces >= 0
    group[longer] = [bridge.first_token(piece) for piece in bridge.pieces[longer]]
    return np.bincount(group, row, len(row) + 1)


def divergence(expected: np.ndarray, row: np.ndarray) -> float:
    there = expected > 0
    return float((expected[there] * np.log(expected[there] / np.maximum(row[there], 1e-30))).sum())


def positions(count: int) -> Iterator[tuple[list[int], BridgedLanguageModel, np.ndarray]]:
    """Every position of some texts: the tokens so far, the model after them, and its row."""
    bridge, model = make_bridge(), CountedModel(PAIR, TEXTS)
    lm = bridged(model, bridge)
    for text in TEXTS[:count]:
        lm.rewind(0)
        row = lm.extend(torch.tensor(lm.own([model.begin])))[0]
        tokens: list[int] = []
        for index in bridge.base.pieces(text.encode()):
            yield tokens, lm, row.exp().numpy()
            tokens.append(index)
            row = lm.extend(torch.tensor([index]))[0]


def test_rows_are_sums_over_all_texts() -> None:
    found = []
    for tokens, lm, row in positions(4):
        expected = grouped(summed(lm, tokens), lm.bridge)
        found.append(divergence(expected, possible(grouped(row, lm.bridge), expected)))
    print(np.mean(found), np.max(found))
    assert np.mean(found) <= 1e-3
    assert np.max(found) <= 1e-2


def test_refined_rows_are_sums_over_all_texts_at_every_token() -> None:
    found = []
    for tokens, lm, _ in positions(4):
        expected = summed(lm, tokens)
        candidates = np.flatnonzero((expected > 0) & (lm.bridge.opinions == Opinion.BOUNDED))
        row, known = lm.refined(lm.length, candidates.tolist())
        assert known == candidates.tolist()
        found.append(divergence(expected, possible(row.exp().numpy(), expected)))
    print(np.mean(found), np.max(found))
    assert np.mean(found) <= 1e-4


def test_a_token_whose_first_piece_leads_to_no_token_of_the_base_is_read_piece_by_piece() -> None:
    bridge = VocabularyBridge([b"ab", b"c"], [b"a", b"b", b"c"], [], [])
    table = torch.tensor([[0.2, 0.5, 0.3]]).log().repeat(23, 1)
    lm = BridgedLanguageModel(
        RepeatedTable(table), bridge, lambda text: ["abc".index(each) for each in text]
    )
    lm.extend(torch.tensor(lm.own([2])))
    row, known = lm.refined(1, [0])
    assert known == [0]
    assert bool(row.isfinite().all())


class RepeatedTable(TableModel):
    """A table model that can be made again."""

    def another(self) -> RepeatedTable:
        return RepeatedTable(self.table)
