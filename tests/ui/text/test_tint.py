"""The scale of the transcript: it diverges, saturates, and text stays readable on it."""

from __future__ import annotations

import math

import pytest
from PySide6.QtGui import QColor

from app.ui.text.tint import SATURATION, mark_color, tint
from app.ui.theme import DARK, LIGHT, Theme

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
SHIFTS = (-math.inf, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, math.inf)


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
@pytest.mark.parametrize("shift", SHIFTS)
def test_text_and_marks_are_readable_on_every_tint(theme: Theme, shift: float) -> None:
    assert contrast(QColor(theme.text), tint(shift, theme)) >= 4.5
    assert contrast(mark_color(shift, theme), tint(shift, theme)) >= 4.5


@THEMES
def test_selected_token_is_readable(theme: Theme) -> None:
    assert contrast(QColor(theme.on_accent), QColor(theme.accent)) >= 4.5


@THEMES
def test_no_shift_has_no_tint(theme: Theme) -> None:
    assert tint(0.0, theme) == QColor(theme.surface)
    assert tint(math.nan, theme) == QColor(theme.surface)


@THEMES
@pytest.mark.parametrize("sign", [1, -1])
def test_tint_grows_with_the_shift_and_then_stays(theme: Theme, sign: int) -> None:
    surface = QColor(theme.surface)
    strengths = [distance(tint(sign * s, theme), surface) for s in (0.3, 1.0, 2.0, SATURATION)]
    assert strengths == sorted(set(strengths))
    assert tint(sign * 2 * SATURATION, theme) == tint(sign * SATURATION, theme)
    assert tint(sign * math.inf, theme) == tint(sign * SATURATION, theme)


@THEMES
def test_both_directions_differ_for_red_green_colour_blindness(theme: Theme) -> None:
    """Blue is what red and green blind eyes keep: the two ends must differ in it."""
    more, less = tint(SATURATION, theme), tint(-SATURATION, theme)
    assert abs(more.blue() - less.blue()) >= 30
