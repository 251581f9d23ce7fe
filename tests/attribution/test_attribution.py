"""Contributions against the definition of the Shapley value, and every number against SciPy."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import entropy

from app.attribution import candidates, row_store
from app.attribution.attribution import attribute
from app.attribution.candidates import keep_candidates, keep_candidates_of, tabulate
from app.attribution.row_store import RowBudget, RowStore
from app.decoding.tuned_logits import tuned_logits
from app.decoding.types import RoleLogits, TokenStep

VOCABULARY = 50


def invent(pairs: int, seed: int, dtype: type = np.float64, scale: float = 3.0) -> RoleLogits:
    random = np.random.default_rng(seed)

    def row() -> np.ndarray:
        return random.normal(0, scale, VOCABULARY).astype(dtype)

    return RoleLogits(row(), tuple(row() for _ in range(pairs)), tuple(row() for _ in range(pairs)))


def shapley_by_permutations(logits: RoleLogits, alphas: list[float], token: int) -> list[float]:
    """The average over all orders of what each pair adds when it joins."""
    pairs = len(alphas)
    shares = np.zeros(pairs)
    orders = list(permutations(range(pairs)))
    for order in orders:
        row = logits.base.astype(np.float64)
        before = softmax(row)[token]
        for pair in order:
            row = row + alphas[pair] * (logits.experts[pair] - logits.antiexperts[pair])
            after = softmax(row)[token]
            shares[pair] += after - before
            before = after
    return list(shares / len(orders))


@pytest.mark.parametrize("pairs", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_contributions_are_shapley_values(pairs: int, seed: int) -> None:
    logits = invent(pairs, seed)
    alphas = list(np.random.default_rng(seed).uniform(-2, 4, pairs))
    token = seed * 7
    found = attribute(logits, alphas, token)
    assert found.contributions == pytest.approx(
        shapley_by_permutations(logits, alphas, token), abs=1e-9
    )


def log_shares_by_definition(logits: RoleLogits, alphas: list[float], token: int) -> list[float]:
    """α_i d_i of the token, less what each pair adds to log Z, on average over all orders."""
    orders = list(permutations(range(len(alphas))))
    rows = [logits.base, *logits.experts, *logits.antiexperts]
    base, *others = (row.astype(np.float64) for row in rows)
    added = [
        alpha * (expert - anti)
        for alpha, expert, anti in zip(
            alphas, others[: len(alphas)], others[len(alphas) :], strict=True
        )
    ]
    shares = np.array([row[token] for row in added])
    for order in orders:
        row = base
        for pair in order:
            shares[pair] -= (logsumexp(row + added[pair]) - logsumexp(row)) / len(orders)
            row = row + added[pair]
    return shares.tolist()


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 2e-5)])
@pytest.mark.parametrize("pairs", [1, 2, 4])
def test_contributions_in_log_probability_divide_the_change_of_the_normalizer(
    pairs: int, dtype: type, tolerance: float
) -> None:
    for seed in range(4):
        logits = invent(pairs, seed, dtype)
        alphas = list(np.random.default_rng(seed).uniform(-2, 4, pairs))
        found = attribute(logits, alphas, seed * 7)
        expected = log_shares_by_definition(logits, alphas, seed * 7)
        assert found.logprob_contributions == pytest.approx(expected, abs=tolerance)
        assert sum(found.logprob_contributions) == pytest.approx(found.shift, abs=tolerance)


@pytest.mark.slow
def test_with_more_pairs_than_are_enumerated_they_still_add_up_to_the_shift() -> None:
    logits = invent(8, 5)
    found = attribute(logits, [0.7, -1, 2, 0.1, 1, 3, 0.5, 1], 9)
    assert sum(found.logprob_contributions) == pytest.approx(found.shift, abs=1e-9)


def test_pairs_add_nothing_to_an_impossible_token_in_log_probability() -> None:
    logits = invent(2, 1)
    for row in (logits.base, *logits.experts, *logits.antiexperts):
        row[3] = -np.inf
    assert attribute(logits, [1.0, 0.5], 3).logprob_contributions == (0.0, 0.0)


def test_the_table_of_candidates_has_the_contributions_of_each_candidate() -> None:
    logits, alphas = invent(3, 2), [1.2, -0.6, 0.3]
    table = tabulate(keep_candidates(logits, alphas, 4))
    for place, token in enumerate(table.token_ids.tolist()):
        expected = attribute(logits, alphas, token)
        assert table.contributions[:, place] == pytest.approx(expected.contributions, abs=1e-5)
        assert table.logprob_contributions[:, place] == pytest.approx(
            expected.logprob_contributions, abs=1e-4
        )


@pytest.mark.slow
@given(
    pairs=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    alphas=st.lists(st.floats(-2, 4), min_size=4, max_size=4),
    token=st.integers(0, VOCABULARY - 1),
)
@settings(max_examples=200, deadline=None)
def test_contributions_add_up_to_the_shift(
    pairs: int, seed: int, alphas: list[float], token: int
) -> None:
    for dtype, tolerance in ((np.float64, 1e-6), (np.float32, 1e-4)):
        logits = invent(pairs, seed, dtype)
        exact = invent(pairs, seed)
        tuned = exact.base + sum(
            alpha * (expert - anti)
            for alpha, expert, anti in zip(
                alphas[:pairs], exact.experts, exact.antiexperts, strict=True
            )
        )
        shift = softmax(tuned)[token] - softmax(exact.base)[token]
        found = attribute(logits, alphas[:pairs], token)
        assert sum(found.contributions) == pytest.approx(shift, abs=tolerance)
        assert found.p_tuned - found.p_base == pytest.approx(shift, abs=tolerance)


@pytest.mark.slow
def test_above_six_pairs_the_sum_is_exact_and_the_shares_are_near() -> None:
    logits = invent(7, 3, np.float32, scale=0.5)
    alphas = [1.0, 0.5, -0.5, 2.0, 1.0, 0.3, 1.5]
    table = tabulate(keep_candidates(logits, alphas, 4))
    assert not table.exact
    shift = table.p_tuned - table.p_base
    assert table.contributions.sum(axis=0) == pytest.approx(shift, abs=1e-7)
    place = list(table.token_ids).index(4)
    exact = shapley_by_permutations(logits, alphas, 4)
    assert table.contributions[:, place] == pytest.approx(exact, abs=5e-3)


def test_one_pair_that_is_its_own_antiexpert_gives_nothing() -> None:
    logits = invent(2, 1)
    logits = RoleLogits(logits.base, logits.experts, (logits.experts[0], logits.antiexperts[1]))
    found = attribute(logits, [3.0, 1.0], 5)
    assert found.contributions[0] == pytest.approx(0, abs=1e-12)
    assert found.contributions[1] == pytest.approx(found.p_tuned - found.p_base, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_every_other_number_is_what_scipy_says(seed: int) -> None:
    logits = invent(2, seed, np.float32)
    alphas = [1.3, -0.4]
    token = 11
    base = logits.base.astype(np.float64)
    tuned = tuned_logits(logits, alphas).astype(np.float64)
    found = attribute(logits, alphas, token)
    assert found.logprob_base == pytest.approx(log_softmax(base)[token], abs=1e-5)
    assert found.logprob_tuned == pytest.approx(log_softmax(tuned)[token], abs=1e-5)
    assert found.shift == pytest.approx(found.logprob_tuned - found.logprob_base)
    assert found.entropy_base == pytest.approx(entropy(softmax(base)), abs=1e-4)
    assert found.entropy_tuned == pytest.approx(entropy(softmax(tuned)), abs=1e-4)
    assert found.kl == pytest.approx(entropy(softmax(tuned), softmax(base)), abs=1e-4)
    assert found.rank_base == sorted(base, reverse=True).index(base[token]) + 1
    assert found.rank_tuned == sorted(tuned, reverse=True).index(tuned[token]) + 1
    assert found.flipped == (base.argmax() != tuned.argmax())


def test_masked_ids_have_no_probability_and_break_nothing() -> None:
    logits = invent(2, 8, np.float32)
    for row in (logits.base, *logits.experts, *logits.antiexperts):
        row[[3, 49]] = -np.inf
    found = attribute(logits, [1.0, -1.0], 5)
    shown = [found.kl, found.entropy_base, found.entropy_tuned, *found.contributions]
    assert np.isfinite(shown).all()
    table = tabulate(keep_candidates(logits, [1.0, -1.0], 5))
    assert set(table.token_ids) == set(range(VOCABULARY)) - {3, 49}
    for probabilities in (table.p_base, table.p_tuned, *table.p_experts, *table.p_antiexperts):
        assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_the_table_agrees_with_the_token_and_holds_every_top() -> None:
    logits = invent(2, 5, np.float32)
    alphas = [1.0, 0.5]
    table = tabulate(keep_candidates(logits, alphas, 30, top_tuned=5, top_role=5))
    for place, token in enumerate(map(int, table.token_ids)):
        found = attribute(logits, alphas, token)
        assert table.p_base[place] == pytest.approx(found.p_base, rel=1e-5)
        assert table.p_tuned[place] == pytest.approx(found.p_tuned, rel=1e-5)
        assert table.contributions[:, place] == pytest.approx(found.contributions, abs=1e-6)
        assert (table.rank_base[place], table.rank_tuned[place]) == (
            found.rank_base,
            found.rank_tuned,
        )
    assert list(table.p_tuned) == sorted(table.p_tuned, reverse=True)
    for row in (logits.base, tuned_logits(logits, alphas), *logits.experts, *logits.antiexperts):
        assert set(np.argsort(row)[-5:]) <= set(table.token_ids)
    assert 30 in table.token_ids


@pytest.mark.parametrize("pairs", [0, 1, 2, 3])
@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_several_positions_at_once_are_what_each_is_alone(
    pairs: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = [invent(pairs, seed, np.float32, scale=1 + seed) for seed in range(7)]
    positions[2].base[5:] = -np.inf  # a server told the base's first five alone
    for place in range(0, 4 * (pairs > 1), 3):  # of some, both pairs have one anti-expert
        rows = positions[place]
        shared = (rows.antiexperts[0],) * pairs
        positions[place] = RoleLogits(rows.base, rows.experts, shared)
    monkeypatch.setattr(candidates, "_AT_ONCE_BYTES", at_once * positions[0].nbytes)
    alphas, ids = [1.0, 0.5, -0.3][:pairs], [3, 1, 4, 1, 2, 0, 4]
    found = keep_candidates_of(positions, alphas, ids, top_tuned=9, top_role=4)
    for rows, token_id, kept in zip(positions, ids, found, strict=True):
        alone = keep_candidates(rows, alphas, token_id, top_tuned=9, top_role=4)
        for name in ("token_ids", "base", "experts", "antiexperts", "rank_base", "rank_tuned"):
            assert getattr(kept, name).tolist() == getattr(alone, name).tolist()
        for name in ("log_normalizers", "coalition_log_normalizers"):
            assert getattr(kept, name) == pytest.approx(getattr(alone, name), abs=1e-6)
        roles = [rows.base, *rows.experts, *rows.antiexperts]
        with np.errstate(invalid="ignore"):
            tuned = tuned_logits(rows, alphas).astype(np.float64)
        expected = {token_id, *np.argsort(-tuned, kind="stable")[:9].tolist()}
        for row in roles:
            expected |= set(np.argsort(-row, kind="stable")[:4].tolist())
        assert set(kept.token_ids) == {i for i in expected if np.isfinite(rows.base[i])}
        exact = [logsumexp(row.astype(np.float64)) for row in roles]
        assert kept.log_normalizers == pytest.approx(exact, abs=1e-5)
        assert kept.coalition_log_normalizers[-1] == pytest.approx(logsumexp(tuned), abs=1e-5)
        for token, rank_base, rank_tuned in zip(
            kept.token_ids, kept.rank_base, kept.rank_tuned, strict=True
        ):
            assert rank_base == 1 + np.count_nonzero(rows.base > rows.base[token])
            assert rank_tuned == 1 + np.count_nonzero(tuned > tuned[token])


def test_the_row_store_keeps_its_bound_and_the_tables() -> None:
    one = invent(2, 0, np.float32)
    size = 5 * one.base.nbytes
    store = RowStore(RowBudget(3 * size))
    steps = [
        TokenStep(index, 7, "x", index, (1.0, 0.5), invent(2, index, np.float32), 1.0)
        for index in range(8)
    ]
    for step in steps:
        store.add(step)
    assert [store.rows(index) is not None for index in range(8)] == [False] * 5 + [True] * 3
    for step in steps:
        expected = tabulate(keep_candidates(step.logits, step.alphas, step.token_id))
        found = tabulate(store.candidates(step.index))
        assert list(found.token_ids) == list(expected.token_ids)
        assert found.p_tuned == pytest.approx(expected.p_tuned)
    with pytest.raises(KeyError):
        store.candidates(99)


def test_what_is_forgotten_makes_room() -> None:
    steps = [
        TokenStep(index, 7, "x", index, (1.0,), invent(1, index, np.float32), 1.0)
        for index in range(6)
    ]
    store = RowStore(RowBudget(4 * 3 * steps[0].logits.base.nbytes))
    for step in steps:
        store.add(step)
    store.forget(3)
    with pytest.raises(KeyError):
        store.candidates(3)
    store.add(steps[3])
    assert [store.rows(index) is not None for index in range(4)] == [False, False, True, True]
    store.add(steps[2])  # another token in its place forgets what followed
    with pytest.raises(KeyError):
        store.candidates(3)


@pytest.mark.parametrize("pairs", [0, 1, 2, 3])
def test_candidates_with_other_weights_are_estimated(pairs: int) -> None:
    logits = invent(pairs, 11, np.float32, scale=2.0)
    alphas = [1.0, 0.5, -0.3][:pairs]
    kept = keep_candidates(logits, alphas, 3, top_tuned=12, top_role=6)
    assert len(kept.token_ids) < VOCABULARY
    for weights in (alphas, [0.0] * pairs):  # what is known exactly
        normalizer = logsumexp(tuned_logits(logits, weights).astype(np.float64))
        assert kept.log_normalizer(weights) == pytest.approx(normalizer, abs=1e-5)
    for share in (0.5, 1.5):
        weights = [share * alpha for alpha in alphas]
        exact = tabulate(keep_candidates(logits, weights, 3))
        found = tabulate(kept.with_alphas(weights))
        assert found.estimated or not pairs
        assert not exact.estimated
        expected = dict(zip(map(int, exact.token_ids), exact.p_tuned, strict=True))
        for token, probability in zip(map(int, found.token_ids), found.p_tuned, strict=True):
            assert probability == pytest.approx(expected[token], rel=0.1)
        shift = found.p_tuned - found.p_base
        assert found.contributions.sum(axis=0) == pytest.approx(shift if pairs else 0 * shift)


def test_texts_share_a_budget_and_the_rows_of_what_they_have_in_common() -> None:
    steps = [
        TokenStep(index, 7, "x", index, (1.0,), invent(1, index, np.float32), 1.0)
        for index in range(6)
    ]
    size = 3 * steps[0].logits.base.nbytes
    budget = RowBudget(5 * size)
    text, branch = RowStore(budget), RowStore(budget)
    for step in steps[:4]:
        text.add(step)
    branch.copy(text, 3)
    assert budget.held_bytes == 4 * size
    branch.add(steps[4])
    branch.add(steps[5])  # the oldest makes room, for both
    assert budget.held_bytes == 5 * size
    for store in (text, branch):
        assert [store.rows(index) is not None for index in range(3)] == [False, True, True]
        assert list(store.candidates(0).token_ids) == list(
            keep_candidates(steps[0].logits, (1.0,), 7).token_ids
        )
    text.forget()
    assert budget.held_bytes == 4 * size
    budget.set_bound(size)
    assert budget.held_bytes == size
    assert branch.rows(5) is not None
    assert list(branch.candidates(2).token_ids) == list(
        keep_candidates(steps[2].logits, (1.0,), 7).token_ids
    )


def test_candidates_that_were_found_elsewhere_are_not_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = [
        TokenStep(index, 7, "x", index, (1.0,), invent(1, index, np.float32), 1.0)
        for index in range(3)
    ]
    budget = RowBudget()
    store = RowStore(budget)
    for step in steps:
        store.add(step)
    found = keep_candidates(steps[0].logits, (1.0,), 7)
    budget.set_candidates(steps[0], found)
    monkeypatch.setattr(row_store, "candidates_of", lambda *args: pytest.fail("found again"))
    assert store.candidates(0) is found
    budget.set_candidates(steps[1], found)
    budget.set_bound(1)
    assert store.rows(0) is None
    assert store.candidates(1) is found
    budget.set_candidates(steps[0], found)  # too late: there is nothing left to note it for
