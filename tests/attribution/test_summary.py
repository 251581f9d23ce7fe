"""Totals of whole texts against SciPy's log-softmax in float64 and sums by brute force."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from app.attribution.attribution import TokenAttribution, attribute
from app.attribution.candidates import keep_candidates
from app.attribution.row_store import RowBudget, RowStore
from app.attribution.summary import (
    BASE,
    TUNED,
    Likelihood,
    Role,
    RoleKind,
    Tally,
    small_model_logprobs,
    total,
)
from app.decoding.types import RoleLogits, TokenStep
from tests.attribution.test_attribution import invent

PAIRS = ("one", "two")
ALPHAS = (1.0, -0.5)
EXPERTS = [Role(RoleKind.EXPERT, pair) for pair in PAIRS]
ANTIEXPERTS = [Role(RoleKind.ANTIEXPERT, pair) for pair in PAIRS]


@dataclass(frozen=True)
class Seen:
    index: int
    token_id: int
    text: str
    attribution: TokenAttribution
    forced: bool = False


@dataclass(frozen=True)
class Text:
    """A text of invented rows: the same token ids come again and again."""

    tokens: list[Seen]
    rows: list[RoleLogits]
    store: RowStore


def write(count: int, seed: int, budget: RowBudget | None = None) -> Text:
    random = np.random.default_rng(seed)
    store, tokens, rows = RowStore(budget), [], []
    for index in range(count):
        logits = invent(2, seed * 1000 + index, np.float32)
        token_id = int(random.integers(0, 6))
        text = ("a", "é", " 한", "", "b c", "\n")[token_id]
        rows.append(logits)
        store.add(TokenStep(index, token_id, text, 0, ALPHAS, logits, 1.0))
        explained = attribute(logits, ALPHAS, token_id)
        tokens.append(Seen(index, token_id, text, explained, forced=index % 4 == 0))
    return Text(tokens, rows, store)


def count(text: Text) -> Tally:
    tally = Tally()
    for token in text.tokens:
        tally.add(token, f"#{token.token_id}", PAIRS, sampled=False)
        found = small_model_logprobs(text.store, token.index, token.token_id)
        assert found
        for roles, logprobs in zip((EXPERTS, ANTIEXPERTS), found, strict=True):
            for role, logprob in zip(roles, logprobs, strict=True):
                tally.add_logprob(role, logprob, token.text)
    return tally


def tuned(logits: RoleLogits) -> np.ndarray:
    row = logits.base.astype(np.float64)
    for alpha, expert, anti in zip(ALPHAS, logits.experts, logits.antiexperts, strict=True):
        row = row + alpha * (expert.astype(np.float64) - anti)
    return row


def perplexity(text: Text, row_of: object) -> float:
    logprobs = [
        log_softmax(np.asarray(row_of(rows), dtype=np.float64))[token.token_id]  # type: ignore[operator]
        for token, rows in zip(text.tokens, text.rows, strict=True)
    ]
    return math.exp(-float(np.mean(logprobs)))


@pytest.mark.parametrize("full", [True, False], ids=["full rows", "candidates only"])
def test_perplexities_are_those_of_a_plain_log_softmax(full: bool) -> None:
    text = write(30, 1, None if full else RowBudget(1))
    assert (text.store.rows(3) is not None) == full
    tally = count(text)
    expected = {
        BASE: perplexity(text, lambda rows: rows.base),
        TUNED: perplexity(text, tuned),
        EXPERTS[0]: perplexity(text, lambda rows: rows.experts[0]),
        EXPERTS[1]: perplexity(text, lambda rows: rows.experts[1]),
        ANTIEXPERTS[0]: perplexity(text, lambda rows: rows.antiexperts[0]),
        ANTIEXPERTS[1]: perplexity(text, lambda rows: rows.antiexperts[1]),
    }
    assert set(tally.roles) == set(expected)
    for role, value in expected.items():
        assert tally.likelihood(role).perplexity == pytest.approx(value, rel=1e-5)
        length = len("".join(token.text for token in text.tokens).encode())
        bits = math.log2(value) * len(text.tokens) / length
        assert tally.likelihood(role).bits_per_byte == pytest.approx(bits, rel=1e-5)


def test_means_and_shares_are_those_counted_one_by_one() -> None:
    text = write(40, 2)
    tally = count(text)
    flips = [tuned(rows).argmax() != rows.base.argmax() for rows in text.rows]
    assert 0 < sum(flips) < len(flips)
    assert tally.flipped_share == sum(flips) / len(flips)
    assert (tally.tokens, tally.given, tally.sampled) == (40, 10, False)
    assert tally.characters == sum(len(token.text) for token in text.tokens)
    shifts = [
        softmax(tuned(rows))[token.token_id] - softmax(rows.base.astype(np.float64))[token.token_id]
        for token, rows in zip(text.tokens, text.rows, strict=True)
    ]
    assert tally.mean_shift == pytest.approx(np.mean(shifts), abs=1e-6)
    for place, pair in enumerate(PAIRS):
        shares = np.array([token.attribution.contributions[place] for token in text.tokens])
        assert tally.pairs[pair].mean == pytest.approx(shares.mean())
        assert tally.pairs[pair].mean_size == pytest.approx(abs(shares).mean())
    assert sum(each.mean for each in tally.pairs.values()) == pytest.approx(np.mean(shifts), 1e-4)


def test_the_most_influenced_tokens_are_grouped_and_sorted() -> None:
    text = write(40, 3)
    groups: dict[str, list[float]] = {}
    for token in text.tokens:
        shift = token.attribution.p_tuned - token.attribution.p_base
        groups.setdefault(f"#{token.token_id}", []).append(shift)
    least = sorted(len(group) for group in groups.values())[2]
    found = count(text).influences(least)
    assert {each.name: each.count for each in found} == {
        name: len(group) for name, group in groups.items() if len(group) >= least
    }
    assert [each.mean_shift for each in found] == sorted(
        (each.mean_shift for each in found), reverse=True
    )
    for each in found:
        assert each.mean_shift == pytest.approx(np.mean(groups[each.name]))


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_texts_together_are_one_text(sizes: list[int], seed: int) -> None:
    texts = [write(size, seed + place) for place, size in enumerate(sizes)]
    together = total([count(text) for text in texts])
    one = Tally()
    for text in texts:
        one = total([one, count(text)])
    assert together.tokens == one.tokens == sum(sizes)
    assert together.flips == sum(t.attribution.flipped for text in texts for t in text.tokens)
    nats = [t.attribution.logprob_tuned for text in texts for t in text.tokens]
    if nats:
        expected = math.exp(-sum(nats) / len(nats))
        assert together.likelihood(TUNED).perplexity == pytest.approx(expected)
    assert sum(each.count for each in together.influences()) == sum(sizes)


def test_a_total_leaves_the_texts_as_they_were() -> None:
    tally = count(write(3, 1))
    total([tally, tally])
    assert (tally.tokens, tally.pairs["one"].tokens, tally.likelihood(BASE).tokens) == (3, 3, 3)


def test_the_text_of_one_role_counts_for_that_role_alone() -> None:
    logits = RoleLogits(invent(1, 4, np.float32).base, (), ())
    token = Seen(0, 5, "abc", attribute(logits, (), 5))
    tally = Tally()
    tally.add_alone(token, EXPERTS[0])
    expected = 1 / softmax(logits.base.astype(np.float64))[5]
    assert tally.likelihood(EXPERTS[0]).perplexity == pytest.approx(expected, rel=1e-5)
    assert math.isnan(tally.likelihood(BASE).perplexity)
    assert math.isnan(tally.flipped_share)
    assert math.isnan(tally.mean_shift)
    assert tally.influences() == []
    with_other = total([tally, count(write(4, 1))])
    assert (with_other.tokens, with_other.tuned) == (5, 4)


def test_nothing_is_made_up_where_nothing_is_kept() -> None:
    assert small_model_logprobs(RowStore(), 0, 1) is None
    store = RowStore()
    logits = invent(2, 1, np.float32)
    kept = keep_candidates(logits, ALPHAS, 7, top_tuned=3, top_role=3)
    store.add_candidates(0, kept)
    missing = next(i for i in range(len(logits.base)) if i not in kept.token_ids)
    assert small_model_logprobs(store, 0, missing) is None
    assert small_model_logprobs(store, 0, 7) is not None


def test_an_impossible_token_makes_the_perplexity_infinite() -> None:
    likelihood = Likelihood()
    likelihood.add(-math.inf, "x")
    assert likelihood.perplexity == math.inf
    very_unlikely = Likelihood()
    very_unlikely.add(-5000.0, "x")
    assert very_unlikely.perplexity == math.inf
