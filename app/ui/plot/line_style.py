"""Styles of the lines of the plot."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from app.ui.theme import Theme
from app.ui.widgets.plot_pens import plot_pen


@dataclass(frozen=True, slots=True)
class LineStyle:
    """Style of a line: lines differ in their dashes as well as in their colours."""

    color: str
    """The name of a colour of the theme."""
    style: Qt.PenStyle

    def pen(self, theme: Theme) -> QPen:
        """A pen that is one pixel wide at every zoom."""
        return plot_pen(getattr(theme, self.color), 1, self.style)


BASE_LINE = LineStyle("muted", Qt.PenStyle.DashLine)
TUNED_LINE = LineStyle("text", Qt.PenStyle.SolidLine)
KL_LINE = LineStyle("heat", Qt.PenStyle.DashDotLine)
ENTROPY_LINE = LineStyle("less", Qt.PenStyle.DotLine)
COVERAGE_LINE = LineStyle("more", Qt.PenStyle.DashDotDotLine)
