"""Axis of the tokens: their numbers from 1 and, where there is room, their texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from app.ui.translation import translate

_UPRIGHT = 46
"""Least width of a token in pixels for its text to be written along the axis."""
_GAP = 4
_LONGEST = 62
"""Height of texts that are written across the axis."""


class TokenAxis(pg.AxisItem):  # type: ignore[misc]
    """Axis with integer labels: the column at 0 is token 1.

    The text of each token stands at its place where tokens are wide: along the axis, or across it
    where a line of text has room and the plot is high. Longer texts end with dots.
    """

    def __init__(self) -> None:
        super().__init__("bottom")
        self.enableAutoSIPrefix(False)
        self.setStyle(tickLength=0)
        self._named: float | None = None
        self._texts: Callable[[int], str] = str
        self._owner: object = None
        self._count = 0
        self._across_allowed = True
        self._area = 0.0

    def set_texts(self, texts: Callable[[int], str], owner: object, count: int) -> None:
        """Set the texts of the ``count`` tokens of ``owner``, by index."""
        other = owner is not self._owner or count < self._count
        before, self._texts, self._owner, self._count = self._count, texts, owner, count
        if self._area and (other or (before < count and self._sees(before))):
            self.picture = None
            self.update()
        self.fit()

    def allow_across(self, allowed: bool) -> None:
        """Choose whether texts may be written across the axis, which takes height."""
        self._across_allowed = allowed
        self.fit()

    @property
    def shows_texts(self) -> bool:
        """Whether the texts of tokens are shown."""
        return self._area > 0

    def fit(self) -> None:
        """Choose between numbers and texts for the visible range."""
        line = self._metrics().height()
        width = self._token_width()
        if not self._count or width < min(line, _UPRIGHT):
            area = 0.0
        elif width >= _UPRIGHT:
            area = line
        else:
            area = float(_LONGEST) if self._across_allowed else 0.0
        if area != self._area:
            self._area = area
            self.setHeight(round(area + line + _GAP) if area else None)

    def tickValues(  # noqa: N802 — the library's name
        self,
        lowest: float,
        highest: float,
        size: float,
    ) -> list[tuple[float, list[float]]]:
        """Positions of tokens with round numbers."""
        levels = [
            (spacing, [value - 1 for value in values if value >= 1])
            for spacing, values in super().tickValues(lowest + 1, highest + 1, size)
            if spacing >= 1
        ]
        places = sorted(levels[0][1]) if levels else []
        self._named = places[len(places) // 2] if places else None
        return levels

    def tickStrings(  # noqa: N802 — the library's name
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """Numbers of the tokens at these positions; one of them says what is numbered."""
        named = translate("Plot", "token {0}")
        return [
            (named if value == self._named else "{0}").format(f"{round(value) + 1:,}")
            for value in values
        ]

    def drawPicture(  # noqa: N802 — the library's name
        self, p: QPainter, axis: Any, ticks: Any, texts: Any
    ) -> None:
        """Draw the numbers, and the texts of tokens above them."""
        numbers = [(rect.translated(0, self._area), *rest) for rect, *rest in texts]
        super().drawPicture(p, axis, ticks, numbers)
        if self._area:
            for area, text in self.texts_shown():
                self._draw_text(p, area, text)

    def texts_shown(self) -> list[tuple[QRectF, str]]:
        """The visible tokens: the area of each, and its text as it has room there."""
        (low, high), width = self.range, self._token_width()
        metrics, across = self._metrics(), width < _UPRIGHT
        room = self._area if across else width - _GAP
        found = []
        for index in range(max(round(low), 0), min(round(high) + 1, self._count)):
            left = (index - 0.5 - low) * width
            text = metrics.elidedText(self._texts(index), Qt.TextElideMode.ElideRight, room)
            found.append((QRectF(left, _GAP / 2, width, self._area), text))
        return found

    def _draw_text(self, p: QPainter, area: QRectF, text: str) -> None:
        if area.width() >= _UPRIGHT:
            p.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
            return
        p.save()
        p.translate(area.left(), area.bottom())
        p.rotate(-90)
        sideways = QRectF(0, 0, area.height(), area.width())
        p.drawText(sideways, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        p.restore()

    def _sees(self, index: int) -> bool:
        return bool(index <= self.range[1] + 1)

    def _token_width(self) -> float:
        low, high = self.range
        pixels = float(self.geometry().width())
        return pixels / max(float(high - low), 1e-9)

    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(self.style["tickFont"] or self.font())
