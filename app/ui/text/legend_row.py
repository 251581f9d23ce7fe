"""Row below the transcript: menus of the tint, its legend, and a note about the run."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.text.legend import TintLegend
from app.ui.theme import SPACE


class LegendRow(QWidget):
    """Menus, legend and note beside each other; the legend moves below where it has no place.

    Args:
        menus: Widgets at the left.
        legend: The legend, whose colour scale is always shown.
        note: Text at the right.
    """

    def __init__(
        self,
        menus: Sequence[QWidget],
        legend: TintLegend,
        note: QLabel,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._menus = menus
        self._legend = legend
        self._note = note
        self._row, self._below = QHBoxLayout(), QHBoxLayout()
        self._row.setSpacing(SPACE // 2)
        for menu in menus:
            self._row.addWidget(menu)
        self._row.addSpacing(SPACE // 2)
        self._row.addWidget(legend, 1)
        self._row.addWidget(note)
        self._below.setContentsMargins(SPACE, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._row)
        layout.addLayout(self._below)

    def _arrange(self) -> None:
        others = [*self._menus, self._note]
        taken = sum(widget.sizeHint().width() + SPACE // 2 for widget in others) + SPACE
        is_below = self._below.indexOf(self._legend) >= 0
        below = self.width() - taken < self._legend.scale_width
        if below and not is_below:
            self._row.removeWidget(self._legend)
            self._row.insertStretch(len(self._menus) + 1, 1)
            self._below.addWidget(self._legend, 1)
        elif is_below and not below:
            self._below.removeWidget(self._legend)
            self._row.takeAt(len(self._menus) + 1)
            self._row.insertWidget(len(self._menus) + 1, self._legend, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._arrange()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._arrange()
        return super().event(event)
