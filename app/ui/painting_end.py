"""Tells when the views have painted what changed."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal

_ROUNDS = 2
"""Rounds of the event loop: what was painted may ask for a second one, as the plot does."""


class PaintingEnd(QObject):
    """Waits until the views that changed before have been painted."""

    reached = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rounds = 0

    def wait(self) -> None:
        """Emit ``reached`` once everything that has changed until now is painted."""
        waits = self._rounds > 0
        self._rounds = _ROUNDS
        if not waits:
            self._post()

    def _post(self) -> None:
        # Behind the painting, which has this priority too.
        event = QEvent(QEvent.Type.User)
        QCoreApplication.postEvent(self, event, Qt.EventPriority.LowEventPriority.value)

    def event(self, event: QEvent) -> bool:
        if event.type() is not QEvent.Type.User:
            return super().event(event)
        self._rounds -= 1
        if self._rounds > 0:
            self._post()
        else:
            self.reached.emit()
        return True
