"""Vertical axis of a plot whose title stands level above it."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QApplication

from app.ui.theme import SMALL

LEFT, RIGHT = "left", "right"
_MARGIN = 2
"""Space around the title in pixels."""


class TitledAxis(pg.AxisItem):  # type: ignore[misc]
    """Axis with a title that is not turned, so that a low plot does not cut it off.

    The title begins at the outer edge of the axis and may extend over the plot, which leaves
    :func:`title_height` free above the axis.

    Args:
        side: ``LEFT`` or ``RIGHT``.
    """

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.label.setRotation(0)
        self.label.setFont(title_font())
        self.label.document().setDocumentMargin(_MARGIN)

    def setLabel(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802 — the library's name
        super().setLabel(*args, **kwargs)
        self._place_title()

    def resizeEvent(self, event: QResizeEvent | None = None) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._place_title()

    def _place_title(self) -> None:
        if self.label is None:  # the library removes it when the plot is closed
            return
        title = self.label.boundingRect()
        left = 0.0 if self.orientation == LEFT else self.size().width() - title.width()
        self.label.setPos(left, -title_height())


def title_font() -> QFont:
    """The font of titles."""
    font = QFont(QApplication.font())
    font.setPointSizeF(font.pointSizeF() * SMALL)
    return font


def title_height() -> int:
    """Height of a title in pixels."""
    return QFontMetrics(title_font()).height() + 2 * _MARGIN
