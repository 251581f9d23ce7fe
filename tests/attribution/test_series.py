"""Columns of attributions, their totals, and what tokens and groups are measured by."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.attribution.attribution import TokenAttribution, attribute
from app.attribution.measures import BIT, Measure, Reduction, Unit, measured, rank_class, reduced
from app.attribution.series import AttributionSeries
from app.decoding.types import RoleLogits


def invented(count: int, pairs: int = 2, seed: int = 0) -> list[TokenAttribution]:
    random = np.random.default_rng(seed)

    def row() -> np.ndarray:
        return random.normal(0, 2, 11).astype(np.float32)

    tokens = []
    for _ in range(count):
        experts, anti = tuple(row() for _ in range(pairs)), tuple(row() for _ in range(pairs))
        tokens.append(attribute(RoleLogits(row(), experts, anti), (0.8, -0.5)[:pairs], 3))
    return tokens


def series_of(tokens: list[TokenAttribution]) -> AttributionSeries:
    series = AttributionSeries(len(tokens[0].contributions))
    series.extend(tokens)
    return series


def test_columns_are_what_was_appended_however_it_came() -> None:
    tokens = invented(700)
    series = AttributionSeries(2)
    for start in range(0, 700, 97):
        series.extend(tokens[start : start + 97])
    series.extend([])
    assert series.count == 700
    np.testing.assert_array_equal(series.contributions, [t.contributions for t in tokens])
    for column, name in (
        (series.p_base, "p_base"),
        (series.p_tuned, "p_tuned"),
        (series.logprob_base, "logprob_base"),
        (series.logprob_tuned, "logprob_tuned"),
        (series.shift, "shift"),
        (series.kl, "kl"),
        (series.entropy, "entropy_tuned"),
        (series.rank_base, "rank_base"),
        (series.rank_tuned, "rank_tuned"),
        (series.entropy_base, "entropy_base"),
        (series.logprob_contributions, "logprob_contributions"),
        (series.flipped, "flipped"),
    ):
        np.testing.assert_array_equal(column, [getattr(t, name) for t in tokens], err_msg=name)


def test_the_coverage_is_whole_where_the_base_told_everything() -> None:
    tokens = invented(6)
    series = series_of(tokens)
    assert not series.partial
    assert not series.thin.any()
    series.extend([replace(tokens[0], coverage=0.7), replace(tokens[1], coverage=0.95)])
    assert series.partial
    np.testing.assert_array_equal(series.coverage, [1.0] * 6 + [0.7, 0.95])
    np.testing.assert_array_equal(series.thin, [False] * 6 + [True, False])


@pytest.mark.slow
@given(st.integers(0, 39), st.integers(1, 40))
def test_totals_are_sums_over_the_range(first: int, length: int) -> None:
    tokens = invented(40)
    part = tokens[first : first + length]
    totals = series_of(tokens).totals(first, first + length)
    assert totals.tokens == len(part)
    assert totals.flips == sum(token.flipped for token in part)
    assert totals.shift == pytest.approx(math.fsum(token.shift for token in part))
    assert totals.mean_kl == pytest.approx(math.fsum(t.kl for t in part) / len(part))
    for pair in range(2):
        expected = math.fsum(token.contributions[pair] for token in part)
        assert totals.contributions[pair] == pytest.approx(expected)


def test_tokens_that_are_impossible_do_not_spoil_what_is_known() -> None:
    usual, never = invented(2)
    gone = replace(never, logprob_base=-math.inf, p_base=0.0)
    nowhere = replace(gone, logprob_tuned=-math.inf, p_tuned=0.0)
    series = series_of([usual, nowhere, gone])
    assert series.shift.tolist() == [usual.shift, 0.0, math.inf]
    assert series.totals(0, 2).shift == usual.shift
    assert series.totals(0, 3).shift == math.inf


def test_without_pairs_there_are_no_contributions() -> None:
    series = series_of(invented(5, pairs=0))
    assert series.contributions.shape == (5, 0)
    assert series.totals(0, 5).contributions == ()
    np.testing.assert_allclose(series.shift, 0, atol=1e-6)


def test_measures_are_in_their_usual_unit() -> None:
    tokens = invented(30)
    series = series_of(tokens)
    for measure, expected in (
        (Measure.SHIFT, [math.log2(t.p_tuned / t.p_base) for t in tokens]),
        (Measure.SURPRISAL, [-math.log2(t.p_tuned) for t in tokens]),
        (Measure.BASE_SURPRISAL, [-math.log2(t.p_base) for t in tokens]),
        (Measure.KL, [t.kl / math.log(2) for t in tokens]),
        (Measure.ENTROPY, [t.entropy_tuned / math.log(2) for t in tokens]),
        (Measure.RANK, [t.rank_base for t in tokens]),
        (Measure.TUNED_RANK, [t.rank_tuned for t in tokens]),
        (Measure.BASE_ENTROPY, [t.entropy_base / math.log(2) for t in tokens]),
        (Measure.PROBABILITY, [t.p_tuned for t in tokens]),
        (Measure.BASE_PROBABILITY, [t.p_base for t in tokens]),
    ):
        np.testing.assert_allclose(measured(series, measure), expected, atol=1e-4)
    second = measured(series, Measure.CONTRIBUTION, 1)
    np.testing.assert_array_equal(second, [t.contributions[1] for t in tokens])


def test_every_measure_has_all_its_units() -> None:
    tokens = invented(30)
    series = series_of(tokens)
    for measure in Measure:
        for unit in measure.units:
            values = measured(series, measure, 1, unit)
            assert values.shape == (30,)
            if unit is Unit.NATS:
                bits = measured(series, measure, 1, Unit.BITS)
                np.testing.assert_allclose(values, bits * math.log(2))
    for unit, shift in (
        (Unit.NATS, [math.log(t.p_tuned / t.p_base) for t in tokens]),
        (Unit.PROBABILITY, [t.p_tuned - t.p_base for t in tokens]),
    ):
        found = measured(series, Measure.SHIFT, unit=unit)
        np.testing.assert_allclose(found, shift, atol=1e-5)
        shares = [measured(series, Measure.CONTRIBUTION, pair, unit) for pair in range(2)]
        np.testing.assert_allclose(sum(shares), shift, atol=1e-5)


@given(st.lists(st.lists(st.floats(-50, 50), min_size=1, max_size=5), min_size=1, max_size=8))
def test_groups_make_one_number_of_their_tokens(groups: list[list[float]]) -> None:
    values = np.array([value for group in groups for value in group])
    starts = np.cumsum([0, *map(len, groups[:-1])]).tolist()
    sums = [math.fsum(group) for group in groups]
    means = [math.fsum(group) / len(group) for group in groups]
    np.testing.assert_allclose(reduced(values, starts, Reduction.SUM), sums, atol=1e-9)
    np.testing.assert_allclose(reduced(values, starts, Reduction.MEAN), means, atol=1e-9)
    highest = reduced(values, starts, Reduction.HIGHEST)
    assert highest.tolist() == [max(group) for group in groups]


def test_information_adds_up_over_a_group_and_openness_does_not() -> None:
    assert Measure.SHIFT.reduction is Reduction.SUM
    assert Measure.ENTROPY.reduction is Reduction.MEAN
    assert Measure.RANK.reduction is Reduction.HIGHEST
    assert math.log(2) == BIT


def test_ranks_fall_into_four_classes() -> None:
    ranks = [1, 10, 11, 100, 101, 1000, 1001, 152_000]
    assert [rank_class(rank) for rank in ranks] == [0, 0, 1, 1, 2, 2, 3, 3]
