"""How often the plot is drawn again while tokens arrive."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

_INTERVAL_MS = 600


class RedrawPace(QObject):
    """Says when the plot is due while tokens arrive: at most once in an interval.

    It is due together with tokens, since the engine pauses while they are drawn. A timer covers the
    last tokens before a standstill.
    """

    due = Signal()

    def __init__(self, parent: QObject | None = None, interval_ms: int = _INTERVAL_MS) -> None:
        super().__init__(parent)
        self._interval_ms = interval_ms
        self._since = QElapsedTimer()
        self._late = QTimer(self, interval=2 * interval_ms, singleShot=True)
        self._late.timeout.connect(self.due)

    def tokens_came(self) -> None:
        """Tokens were added that are not drawn yet."""
        if not self._since.isValid() or self._since.hasExpired(self._interval_ms):
            self.due.emit()
        elif not self._late.isActive():
            self._late.start()

    def drawn(self) -> None:
        """The plot shows all tokens."""
        self._since.start()
        self._late.stop()
