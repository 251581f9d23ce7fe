"""Rows of a model of another vocabulary against sums over all of its texts, byte by byte."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge
from tests.decoding.bridge.summed_texts import divergence, grouped, possible, summed
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


def test_all_ends_of_the_base_are_one_class() -> None:
    """They are no bytes to be read piece by piece, and have the same difference."""
    bridge = VocabularyBridge([b"a", None, None], [b"a", None], [1, 2], [1])
    assert list(bridge.opinions) == [Opinion.EXACT] * 3
    none = torch.zeros(0, dtype=torch.int64), torch.zeros(0)
    expert, anti = (bridge.log_row(torch.tensor(row), *none)[0] for row in ([0.4, 0.6], [0.7, 0.3]))
    difference = expert - anti
    assert difference[1] == pytest.approx(difference[2])


def test_every_end_of_the_base_has_the_difference_of_all_ends_of_the_pair() -> None:
    """The end of a turn of a chat is seldom the first of the end-of-sequence ids on both sides."""
    bridge = VocabularyBridge([b"a", None, None, None], [b"a", None, None], [1, 2, 3], [1, 2])
    none = torch.zeros(0, dtype=torch.int64), torch.zeros(0)
    expert, anti = (
        bridge.log_row(torch.tensor(row), *none)[0] for row in ([0.3, 0.1, 0.6], [0.8, 0.15, 0.05])
    )
    assert (expert - anti)[1:].numpy() == pytest.approx(np.log(0.7 / 0.2), abs=1e-5)
    for row in (expert, anti):
        assert float(row.exp().sum()) == pytest.approx(1.0, abs=1e-6)


class RepeatedTable(TableModel):
    """A table model that can be made again."""

    def another(self) -> RepeatedTable:
        return RepeatedTable(self.table)


def test_the_least_of_a_row_stays_finite_at_a_tail_without_probability() -> None:
    """Some libraries make the processor round the smallest numbers of float32 to 0."""
    longer = [b"a%05d" % number for number in range(30_000)]
    bridge = VocabularyBridge([b"b", b"a", *longer], [b"a", b"b"], [], [])
    tail = torch.tensor([7, 9]), torch.tensor([0.0, 0.5])
    if not torch.set_flush_denormal(True):
        pytest.skip("the processor keeps the smallest numbers")
    try:
        row, total = bridge.log_row(torch.tensor([0.0, 0.5]), *tail)
    finally:
        torch.set_flush_denormal(False)
    assert total == 1.0
    assert float(row[7]) == float(row[8]) == float(row.min())
    assert float(row.min()) == pytest.approx(math.log(1e-34 / 30_000), abs=1e-3)
    assert float(row[9]) == pytest.approx(math.log(0.5))
