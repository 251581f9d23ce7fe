"""Row of widgets that becomes a column if they do not fit beside each other."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QWidget

from app.ui.theme import SPACE


class ReflowRow(QWidget):
    """Row of widgets that becomes a column with large fonts and in narrow panels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._widgets: list[QWidget] = []
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE)

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Append a widget."""
        self._widgets.append(widget)
        self._layout.addWidget(widget, stretch)

    def _arrange(self) -> None:
        shown = [widget for widget in self._widgets if not widget.isHidden()]
        wanted = sum(map(_wanted_width, shown)) + SPACE * (len(shown) - 1)
        fits = wanted <= self.width()
        directions = QBoxLayout.Direction
        direction = directions.LeftToRight if fits else directions.TopToBottom
        if direction != self._layout.direction():
            self._layout.setDirection(direction)
            self._layout.setSpacing(SPACE if fits else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._arrange()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._arrange()
        return super().event(event)


def _wanted_width(widget: QWidget) -> int:
    """Width that shows the whole widget; for a label, its text in a single line."""
    if isinstance(widget, QLabel):
        return widget.fontMetrics().horizontalAdvance(widget.text())
    return widget.sizeHint().width()
