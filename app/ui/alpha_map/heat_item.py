"""The coloured cells of the map of α as an item of a plot."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.attribution.alpha_grid import HIGHEST, LOWEST, POINTS
from app.decoding.types import FloatArray
from app.ui.alpha_map.grid_values import GridMeasure, in_groups
from app.ui.alpha_map.heat_colors import heat_image, shades
from app.ui.theme import Theme

HALF_STEP = (HIGHEST - LOWEST) / (POINTS - 1) / 2
"""Half of the height of a cell on the axis of α."""


class HeatItem(pg.GraphicsObject):  # type: ignore[misc]
    """A cell for every token and every α; narrow tokens are drawn together, by their means."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._measure = GridMeasure.PROBABILITY
        self._values: FloatArray = np.zeros((0, POINTS), np.float32)
        self._highest = 1.0
        self._size = 1
        self._theme = theme
        self._image: QImage | None = None

    def show_values(self, measure: GridMeasure, values: FloatArray, highest: float) -> None:
        """Draw these values, [T, N]; ``highest`` has the strongest colour."""
        if len(values) != len(self._values):
            self.prepareGeometryChange()
        self._measure, self._values, self._highest = measure, values, highest
        self._image = None
        self.update()

    def set_size(self, size: int) -> None:
        """Draw every ``size`` tokens together."""
        if size != self._size:
            self._size, self._image = size, None
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Draw in the colours of a theme."""
        self._theme, self._image = theme, None
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 — Qt's name
        return self._area(len(self._values))

    def paint(self, painter: QPainter, *_: object) -> None:
        if not len(self._values):
            return
        if self._image is None:
            grouped = in_groups(self._values, self._size)
            colors = shades(self._measure, self._theme)
            self._image = heat_image(grouped, self._highest, colors, self._theme)
        groups = math.ceil(len(self._values) / self._size)
        painter.drawImage(self._area(groups * self._size), self._image)

    def _area(self, tokens: int) -> QRectF:
        return QRectF(-0.5, LOWEST - HALF_STEP, tokens, HIGHEST - LOWEST + 2 * HALF_STEP)
