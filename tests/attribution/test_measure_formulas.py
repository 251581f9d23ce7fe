"""The formula of each measure in each unit, against numbers computed from whole distributions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from app.attribution.attribution import attribute
from app.attribution.measure_formulas import formula
from app.attribution.measures import Measure, Unit, measured
from app.attribution.series import AttributionSeries
from app.decoding.types import RoleLogits

Distribution = np.ndarray
Computed = Callable[[Distribution, Distribution, int], float]
"""From the tuned distribution, the base's, and the generated token."""

FORMULAS: dict[tuple[Measure, Unit], tuple[str, Computed]] = {
    (Measure.SHIFT, Unit.BITS): (
        "log₂ p(tuned) − log₂ p(base)",
        lambda tuned, base, token: np.log2(tuned[token]) - np.log2(base[token]),
    ),
    (Measure.SHIFT, Unit.NATS): (
        "ln p(tuned) − ln p(base)",
        lambda tuned, base, token: np.log(tuned[token]) - np.log(base[token]),
    ),
    (Measure.SHIFT, Unit.PROBABILITY): (
        "p(tuned) − p(base)",
        lambda tuned, base, token: tuned[token] - base[token],
    ),
    (Measure.SURPRISAL, Unit.BITS): (
        "−log₂ p(tuned)",
        lambda tuned, base, token: -np.log2(tuned[token]),
    ),
    (Measure.SURPRISAL, Unit.NATS): (
        "−ln p(tuned)",
        lambda tuned, base, token: -np.log(tuned[token]),
    ),
    (Measure.BASE_SURPRISAL, Unit.BITS): (
        "−log₂ p(base)",
        lambda tuned, base, token: -np.log2(base[token]),
    ),
    (Measure.BASE_SURPRISAL, Unit.NATS): (
        "−ln p(base)",
        lambda tuned, base, token: -np.log(base[token]),
    ),
    (Measure.KL, Unit.BITS): (
        "Σ p(tuned) (log₂ p(tuned) − log₂ p(base))",
        lambda tuned, base, token: np.sum(tuned * (np.log2(tuned) - np.log2(base))),
    ),
    (Measure.KL, Unit.NATS): (
        "Σ p(tuned) (ln p(tuned) − ln p(base))",
        lambda tuned, base, token: np.sum(tuned * (np.log(tuned) - np.log(base))),
    ),
    (Measure.ENTROPY, Unit.BITS): (
        "−Σ p(tuned) log₂ p(tuned)",
        lambda tuned, base, token: -np.sum(tuned * np.log2(tuned)),
    ),
    (Measure.ENTROPY, Unit.NATS): (
        "−Σ p(tuned) ln p(tuned)",
        lambda tuned, base, token: -np.sum(tuned * np.log(tuned)),
    ),
    (Measure.BASE_ENTROPY, Unit.BITS): (
        "−Σ p(base) log₂ p(base)",
        lambda tuned, base, token: -np.sum(base * np.log2(base)),
    ),
    (Measure.BASE_ENTROPY, Unit.NATS): (
        "−Σ p(base) ln p(base)",
        lambda tuned, base, token: -np.sum(base * np.log(base)),
    ),
    (Measure.PROBABILITY, Unit.PROBABILITY): (
        "p(tuned)",
        lambda tuned, base, token: tuned[token],
    ),
    (Measure.BASE_PROBABILITY, Unit.PROBABILITY): (
        "p(base)",
        lambda tuned, base, token: base[token],
    ),
    (Measure.RANK, Unit.RANK): (
        "p(base)",
        lambda tuned, base, token: 1 + np.sum(base > base[token]),
    ),
    (Measure.TUNED_RANK, Unit.RANK): (
        "p(tuned)",
        lambda tuned, base, token: 1 + np.sum(tuned > tuned[token]),
    ),
}
FORMULAS |= {
    (Measure.CONTRIBUTION, unit): FORMULAS[Measure.SHIFT, unit] for unit in Measure.SHIFT.units
}
"""The formula of each measure in each unit; the contributions of all pairs add up to theirs."""

ALPHAS = (0.8, -0.5)
TOKENS = range(11)


def softmax(row: np.ndarray) -> Distribution:
    powers = np.exp(row - row.max())
    return powers / powers.sum()


def logits() -> RoleLogits:
    random = np.random.default_rng(7)
    base, *rows = random.normal(0, 2, (5, len(TOKENS))).astype(np.float32)
    base[3] = base[4] = base.max()  # ranks of equal tokens
    return RoleLogits(base, (rows[0], rows[1]), (rows[2], rows[3]))


def test_every_measure_has_a_formula_in_every_unit() -> None:
    combinations = {(measure, unit) for measure in Measure for unit in measure.units}
    assert set(FORMULAS) == combinations
    assert {each: formula(*each) for each in combinations} == {
        each: FORMULAS[each][0] for each in combinations
    }


@pytest.mark.parametrize(("measure", "unit"), FORMULAS)
def test_values_are_what_the_formula_says(measure: Measure, unit: Unit) -> None:
    rows = logits()
    shift = sum(
        alpha * (expert.astype(float) - anti)
        for alpha, expert, anti in zip(ALPHAS, rows.experts, rows.antiexperts, strict=True)
    )
    base, tuned = softmax(rows.base.astype(float)), softmax(rows.base + shift)
    series = AttributionSeries(len(ALPHAS))
    series.extend([attribute(rows, ALPHAS, token) for token in TOKENS])
    values = measured(series, measure, 0, unit)
    if measure is Measure.CONTRIBUTION:
        values = values + measured(series, measure, 1, unit)
    expected = [FORMULAS[measure, unit][1](tuned, base, token) for token in TOKENS]
    assert values == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("unit", Measure.CONTRIBUTION.units)
def test_a_contribution_is_the_shapley_value_in_its_unit(unit: Unit) -> None:
    """Of two pairs it is the mean of what a pair adds to the base and to the other pair."""
    rows = logits()
    parts = [
        alpha * (expert.astype(float) - anti)
        for alpha, expert, anti in zip(ALPHAS, rows.experts, rows.antiexperts, strict=True)
    ]
    scale = {Unit.BITS: np.log2, Unit.NATS: np.log, Unit.PROBABILITY: np.asarray}[unit]
    none, first, second, both = (
        scale(softmax(rows.base + added))
        for added in (0.0 * parts[0], parts[0], parts[1], parts[0] + parts[1])
    )
    series = AttributionSeries(len(ALPHAS))
    series.extend([attribute(rows, ALPHAS, token) for token in TOKENS])
    for pair, (alone, other) in enumerate(((first, second), (second, first))):
        expected = ((alone - none) + (both - other)) / 2
        found = measured(series, Measure.CONTRIBUTION, pair, unit)
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_text_of_one_role_has_its_distribution() -> None:
    alone = {measure: formula(measure, measure.units[0], alone=True) for measure in Measure}
    assert alone[Measure.SURPRISAL] == "−log₂ p"
    assert alone[Measure.ENTROPY] == "−Σ p log₂ p"
    assert alone[Measure.RANK] == alone[Measure.PROBABILITY] == "p"
    for measure, written in alone.items():
        assert measure.needs_pairs or "(" not in written
