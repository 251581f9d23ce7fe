"""Memory that the loaded models take, measured while they are loaded."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.checkpoints.host_memory import held_bytes

_EVERY_MS = 3000
_NOTICED = 1_000_000
"""Changes of fewer bytes are not shown."""


class MemoryUse(QObject):
    """Main memory that the loaded models take: what the program has gained since before any load.

    The one figure for all views. It is of the kind that the memory estimate counts: weight files
    count while models compute from them, and not where they were only read.

    Args:
        measure: Returns the bytes of memory that this process holds.
    """

    changed = Signal()
    """``models`` changed."""

    def __init__(self, parent: QObject, measure: Callable[[], int] = held_bytes) -> None:
        super().__init__(parent)
        self._measure = measure
        self.program = 0
        """Bytes that the program held before any model was loaded."""
        self.models = 0
        """Bytes that the loaded models take; 0 while none are loaded."""
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.refresh)

    def begin(self) -> None:
        """Note what the program holds; libraries are imported and no model is loaded."""
        self.program = self._measure()

    def follow(self, loaded: bool) -> None:
        """Measure from now on while models are ``loaded``; nothing stays when they go."""
        if loaded and not self._timer.isActive():
            self._timer.start()
            self.refresh()
        elif not loaded:
            self._timer.stop()
            self._show(0)

    def refresh(self) -> None:
        """Measure now."""
        self._show(max(self._measure() - self.program, 0))

    def _show(self, models: int) -> None:
        if abs(models - self.models) >= _NOTICED or (models == 0) != (self.models == 0):
            self.models = models
            self.changed.emit()
