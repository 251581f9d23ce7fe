"""Colours of the map of α: from the surface over the colour of the measure to a strong one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from app.decoding.types import FloatArray
from app.ui.alpha_map.grid_values import GridMeasure
from app.ui.theme import Theme, blend

_SHADES = 256
_MIDDLE = 0.6
"""Where the pure colour of the measure is, from 0 to 1."""
_STRONG = 0.65
"""How much of the colour of text the strongest shade has."""
_COLORS = {
    GridMeasure.PROBABILITY: "accent",
    GridMeasure.CHANGED: "less",
    GridMeasure.ENTROPY: "heat",
}


def shades(measure: GridMeasure, theme: Theme) -> NDArray[np.uint8]:
    """The colours from the lowest to the highest value, [256, 4], as the bytes of an image."""
    pure = getattr(theme, _COLORS[measure])
    strong = pure if measure is GridMeasure.CHANGED else blend(theme.text, pure, 1 - _STRONG)
    stops = [_bytes(color) for color in (theme.surface, pure, strong)]
    middle = 1.0 if measure is GridMeasure.CHANGED else _MIDDLE
    places = np.linspace(0, 1, _SHADES)
    channels = [np.interp(places, (0, middle, 1), column) for column in zip(*stops, strict=True)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def unknown_color(theme: Theme) -> QColor:
    """The colour of what is not known."""
    return blend(theme.muted, theme.surface, 0.5)


def heat_image(
    values: FloatArray, highest: float, colors: NDArray[np.uint8], theme: Theme
) -> QImage:
    """A picture of values, [T, N], with a column for each token and the lowest α at the top.

    Args:
        values: The values; NaN where they are not known.
        highest: The value that has the strongest colour; 0 has the weakest.
        colors: The colours of :func:`shades`.
    """
    known = ~np.isnan(values)
    scaled = np.where(known, values, 0) / highest * (_SHADES - 1)
    pixels = colors[np.clip(scaled, 0, _SHADES - 1).astype(np.uint8)]
    pixels[~known] = _bytes(unknown_color(theme))
    turned = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    height, width, _ = turned.shape
    image = QImage(turned.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    return image.copy()  # the image would not keep the array


def _bytes(color: QColor | str) -> tuple[int, int, int, int]:
    """The bytes of a pixel of an image, from the lowest address."""
    made = QColor(color)
    return made.blue(), made.green(), made.red(), 255
