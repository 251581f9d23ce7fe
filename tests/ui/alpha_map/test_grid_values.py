"""Tests of the numbers and the colours of the map of α."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from app.ui.alpha_map.grid_values import GridMeasure, in_groups
from app.ui.alpha_map.heat_colors import heat_image, shades, unknown_color
from app.ui.theme import DARK, LIGHT, Theme


def test_neighbours_are_drawn_by_the_mean_of_what_is_known() -> None:
    random = np.random.default_rng(1)
    values = random.random((23, 51)).astype(np.float32)
    values[random.random(values.shape) < 0.3] = np.nan
    values[5:10, 7] = np.nan  # the whole second group at one α
    found = in_groups(values, 5)
    assert found.shape == (5, 51)
    for group in range(5):
        for place in range(51):
            known = [v for v in values[5 * group : 5 * group + 5, place].tolist() if v == v]
            if known:
                assert found[group, place] == pytest.approx(sum(known) / len(known), rel=1e-5)
            else:
                assert np.isnan(found[group, place])
    assert np.isnan(found[1, 7])
    assert in_groups(values, 1) is values


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("measure", GridMeasure)
def test_each_cell_has_the_colour_of_its_value(theme: Theme, measure: GridMeasure) -> None:
    values = np.array([[0, 1.5, 3, 9], [np.nan, 3, 0, 1.5]], np.float32)
    colors = shades(measure, theme)
    image = heat_image(values, 3.0, colors, theme)
    assert (image.width(), image.height()) == (2, 4)

    def shade(place: int) -> QColor:
        blue, green, red, _ = colors[place].tolist()
        return QColor(red, green, blue)

    assert image.pixelColor(0, 0) == shade(0) == QColor(theme.surface)
    assert image.pixelColor(0, 1) == shade(127)
    assert image.pixelColor(0, 2) == image.pixelColor(0, 3) == shade(255)
    assert image.pixelColor(1, 0) == unknown_color(theme)
    assert image.pixelColor(1, 1) == shade(255)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("measure", GridMeasure)
def test_what_is_not_known_has_a_colour_of_its_own(theme: Theme, measure: GridMeasure) -> None:
    colors = shades(measure, theme)[:, 2::-1].astype(int)
    unknown = QColor(unknown_color(theme)).getRgb()[:3]
    assert np.abs(colors - unknown).sum(axis=1).min() > 12
    steps = np.abs(np.diff(colors, axis=0)).sum(axis=1)
    assert steps.max() < 12, "neighbouring values have similar colours"
