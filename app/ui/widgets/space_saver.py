"""Saves height in a column of widgets that is too low for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

_LEVELS = 6
"""How often requests for layout are sent: each time a changed size is known at least one level of
widgets further up, since Qt drops a request to a widget that has another one pending."""


class SpaceSaver(QObject):
    """Takes steps, in order, until the parts of a column have their minimum heights.

    Qt lets the parts overlap where a column is lower than the sum of their minima. A step is
    taken back, the last one first, once there is room for what it saved.

    Args:
        column: The widget with the layout.
        steps: Each is called with True to save height, and with False to take that back.
    """

    def __init__(self, column: QWidget, steps: Sequence[Callable[[bool], None]]) -> None:
        super().__init__(column)
        self._column = column
        self._steps = steps
        self._saved: list[int] = []
        """What each step that is taken has saved, in pixels."""
        self._fitting = False
        self._due = QTimer(self, interval=0, singleShot=True)
        self._due.timeout.connect(self.fit)
        column.installEventFilter(self)

    def fit(self) -> None:
        """Take the steps that are needed, and take those back that are not."""
        self._fitting = True
        while self._saved and self._lacking() + self._saved[-1] <= 0:
            self._take_back()
        while (lacking := self._lacking()) > 0 and len(self._saved) < len(self._steps):
            self._steps[len(self._saved)](True)
            self._saved.append(lacking - self._lacking())
        self._fitting = False

    def fit_anew(self) -> None:
        """Forget what the steps saved, which has changed."""
        self._fitting = True
        while self._saved:
            self._take_back()
        self.fit()

    def _take_back(self) -> None:
        self._saved.pop()
        self._steps[len(self._saved)](False)

    def _lacking(self) -> int:
        """By how many pixels the column is too low; negative if there is room."""
        for _ in range(_LEVELS):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        layout, column = self._column.layout(), self._column
        if layout is None:
            return 0
        least = layout.totalMinimumSize().height()
        if layout.hasHeightForWidth():
            least = max(least, layout.totalMinimumHeightForWidth(column.width()))
        return least - column.height()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        changes = event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest)
        if changes and not self._fitting:
            self._due.start()
        return False
