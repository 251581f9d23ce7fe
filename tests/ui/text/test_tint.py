"""Tests of the colour scales of the transcript, including the contrast of text."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from PySide6.QtGui import QColor

from app.attribution.measures import Measure, Reduction, Unit
from app.attribution.tint_scale import Tint, TintScale
from app.ui.state.runs.token_groups import Grouping
from app.ui.text.tint import Scale, mark_color, scale_of
from app.ui.theme import DARK, LIGHT, Theme

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
MEASURES = pytest.mark.parametrize("measure", list(Measure))
GRADUAL = [measure for measure in Measure if Unit.RANK not in measure.units]
VALUES = (-math.inf, -9.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, 20.0, 200.0, 1e5, math.inf, math.nan)


def scale(measure: Measure, theme: Theme, pair: int = 0) -> Scale:
    return scale_of(Tint(measure, pair), Grouping.TOKEN, theme)


def luminance(color: QColor) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = (color.redF(), color.greenF(), color.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: QColor, b: QColor) -> float:
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def distance(a: QColor, b: QColor) -> float:
    return math.dist(a.getRgb()[:3], b.getRgb()[:3])


@THEMES
@MEASURES
@pytest.mark.parametrize("value", VALUES)
def test_text_and_marks_are_readable_on_every_tint(
    theme: Theme, measure: Measure, value: float
) -> None:
    for pair in range(len(theme.pairs) if measure is Measure.CONTRIBUTION else 1):
        background = scale(measure, theme, pair).color(value)
        assert contrast(QColor(theme.text), background) >= 4.5
        assert contrast(mark_color(theme), background) >= 4.5


@THEMES
def test_selected_token_is_readable(theme: Theme) -> None:
    assert contrast(QColor(theme.on_accent), QColor(theme.accent)) >= 4.5


@THEMES
@pytest.mark.parametrize("measure", GRADUAL)
def test_zero_and_nan_have_no_tint(theme: Theme, measure: Measure) -> None:
    assert scale(measure, theme).color(0.0) == QColor(theme.surface)
    assert scale(measure, theme).color(math.nan) == QColor(theme.surface)


@THEMES
@pytest.mark.parametrize("measure", GRADUAL)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_tint_grows_with_the_value_up_to_a_limit(
    theme: Theme, measure: Measure, sign: int
) -> None:
    tints = scale(measure, theme)
    if sign < 0 and not tints.diverging:
        return
    surface = QColor(theme.surface)
    shares = (0.1, 0.3, 0.6, 1.0)
    strengths = [distance(tints.color(sign * s * tints.limit), surface) for s in shares]
    assert strengths == sorted(set(strengths))
    for beyond in (2 * tints.limit, math.inf):
        assert tints.color(sign * beyond) == tints.color(sign * tints.limit)


@THEMES
def test_both_directions_differ_for_red_green_colour_blindness(theme: Theme) -> None:
    """People with red-green colour blindness see blue, so both ends must differ in blue."""
    shift = scale(Measure.SHIFT, theme)
    assert abs(shift.color(shift.limit).blue() - shift.color(-shift.limit).blue()) >= 30


@THEMES
def test_classes_of_ranks_are_ordered_by_lightness(theme: Theme) -> None:
    ranks = scale(Measure.RANK, theme)
    lights = [luminance(ranks.color(rank)) for rank in (1, 11, 101, 1001)]
    assert lights == sorted(lights, reverse=not theme.dark)
    assert all(abs(a - b) > 0.015 for a, b in itertools.pairwise(lights))
    assert ranks.color(1) == ranks.color(10) != ranks.color(11)
    assert ranks.color(1000) != ranks.color(1001) == ranks.color(150_000)


@THEMES
def test_a_contribution_has_the_colour_of_its_pair(theme: Theme) -> None:
    for pair in range(4):
        full = scale(Measure.CONTRIBUTION, theme, pair).color(1.0)
        wanted, surface = theme.pair_color(pair), QColor(theme.surface)
        share = [
            (c - s) / (w - s)
            for c, s, w in zip(full.getRgb()[:3], surface.getRgb()[:3], wanted.getRgb()[:3])  # noqa: B905
            if abs(w - s) > 20
        ]
        assert max(share) - min(share) < 0.05, "it lies on the way from the surface to it"
        assert min(share) > 0.3


def test_sums_over_groups_have_a_wider_scale_and_means_do_not() -> None:
    for measure in GRADUAL:
        limits = [scale_of(Tint(measure), grouping, LIGHT).limit for grouping in Grouping]
        if measure.reduction is Reduction.MEAN:
            assert len(set(limits)) == 1
        else:
            assert limits[0] < limits[1] < limits[2]


@pytest.mark.parametrize("measure", GRADUAL)
def test_the_limit_is_in_the_unit_of_the_scale(measure: Measure) -> None:
    limits = {
        unit: scale_of(Tint(measure), Grouping.TOKEN, LIGHT, TintScale(unit)).limit
        for unit in measure.units
    }
    if Unit.NATS in limits:
        assert limits[Unit.NATS] == pytest.approx(limits[Unit.BITS] * math.log(2))
    if measure.signed:
        assert (limits[Unit.BITS], limits[Unit.PROBABILITY]) == (4.0, 0.5)
    of_others = scale_of(Tint(measure), Grouping.TOKEN, LIGHT, TintScale(Unit.RANK))
    assert of_others == scale_of(Tint(measure), Grouping.TOKEN, LIGHT)


def test_a_scale_is_typed_or_a_quantile_of_the_text() -> None:
    values = np.array([*np.linspace(-1, 1, 1001), math.inf, math.nan])
    typed = scale_of(Tint(), Grouping.WORD, LIGHT, TintScale(limit=1.25), values)
    assert typed.limit == 1.25
    chosen = TintScale(automatic=True)
    automatic = scale_of(Tint(), Grouping.TOKEN, LIGHT, chosen, values)
    assert automatic.limit == pytest.approx(0.95, abs=0.011)
    empty = scale_of(Tint(), Grouping.TOKEN, LIGHT, chosen, np.zeros(0))
    assert empty.limit == scale_of(Tint(), Grouping.TOKEN, LIGHT).limit


@pytest.mark.parametrize("measure", list(Measure))
def test_what_is_beyond_the_scale_is_said(measure: Measure) -> None:
    tints = scale(measure, LIGHT)
    assert tints.saturates(math.inf) is (measure in GRADUAL)
    assert not tints.saturates(tints.limit)
    assert not tints.saturates(math.nan)
    assert tints.saturates(-math.inf) is measure.signed


@pytest.mark.parametrize(
    "chosen",
    [TintScale(), TintScale(Unit.NATS, 2.5), TintScale(automatic=True), TintScale(Unit.BITS)],
)
def test_the_choice_of_a_scale_is_stored(chosen: TintScale) -> None:
    assert TintScale.from_stored(chosen.stored) == chosen


@pytest.mark.parametrize("text", ["", "mood:", "x", ":0", ":-3", ":inf", ":nan", ":many"])
def test_a_damaged_choice_of_a_scale_is_the_usual_one(text: str) -> None:
    assert TintScale.from_stored(text) == TintScale()


def test_a_run_without_pairs_has_the_tints_without_pairs() -> None:
    for measure in Measure:
        tint = Tint(measure).of(0)
        assert not tint.measure.needs_pairs
    assert Tint(Measure.RANK).of(0) == Tint(Measure.RANK)
    assert Tint(Measure.CONTRIBUTION, 3).of(2) == Tint()
    assert Tint(Measure.CONTRIBUTION, 1).of(2) == Tint(Measure.CONTRIBUTION, 1)
