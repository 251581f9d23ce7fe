"""How often a view is drawn again while tokens arrive."""

from __future__ import annotations

import time

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from app.ui.drawing_pace import DrawingPace
from app.ui.painting_end import PaintingEnd


class RedrawPace(QObject):
    """Says when a view is due while tokens arrive: the more it costs, the less often.

    It is due together with tokens, since the engine pauses while they are drawn. A timer covers the
    last tokens before a standstill.

    Args:
        pace: What it may cost.
    """

    due = Signal()

    def __init__(self, pace: DrawingPace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pace = pace
        self._interval_ms = pace.shortest_ms
        self._since = QElapsedTimer()
        self._begun = 0.0  # processor time in seconds
        self._painting = PaintingEnd(self)
        self._painting.reached.connect(self._on_painted)
        self._late = QTimer(self, singleShot=True)
        self._late.timeout.connect(self.due)

    @property
    def interval_ms(self) -> int:
        """Minimum time between two drawings."""
        return self._interval_ms

    def begin(self) -> None:
        """Another run is shown: its first tokens are drawn soon, whatever that costs."""
        self._interval_ms = self._pace.shortest_ms

    def tokens_came(self) -> None:
        """Tokens were added that are not drawn yet."""
        if not self._since.isValid() or self._since.hasExpired(self._interval_ms):
            self._begun = time.thread_time()
            self._painting.wait()
            self.due.emit()
        elif not self._late.isActive():
            self._late.start(self._interval_ms + self._pace.shortest_ms)

    def drawn(self) -> None:
        """The view shows all tokens."""
        self._since.start()
        self._late.stop()

    def _on_painted(self) -> None:
        self._interval_ms = self._pace.interval_ms(time.thread_time() - self._begun)
