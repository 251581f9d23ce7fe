"""Hints: sentences in the window that explain its parts until they are dismissed."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, QSettings, Signal


class Hint(StrEnum):
    """What a hint explains."""

    BASE = "base"
    EXPERT = "expert"
    ANTIEXPERT = "antiexpert"
    ALPHA = "alpha"
    TINT = "tint"
    PLOT = "plot"


class Hints(QObject):
    """Which hints are shown: all at the first start, later those that were not dismissed."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._dismissed: frozenset[Hint] = frozenset()

    def is_shown(self, hint: Hint) -> bool:
        """Whether ``hint`` has not been dismissed."""
        return hint not in self._dismissed

    @property
    def any_shown(self) -> bool:
        return len(self._dismissed) < len(Hint)

    def dismiss(self, hint: Hint) -> None:
        """Hide one hint."""
        self._set(self._dismissed | {hint})

    def show_all(self, *, shown: bool = True) -> None:
        """Show or hide all hints."""
        self._set(frozenset() if shown else frozenset(Hint))

    def restore(self, store: QSettings) -> None:
        """Load the dismissed hints; unknown ones are ignored."""
        saved = str(store.value("dismissed hints", "")).split(",")
        self._set(frozenset(hint for hint in Hint if hint in saved))

    def remember(self, store: QSettings) -> None:
        """Save the dismissed hints for :meth:`restore`."""
        store.setValue("dismissed hints", ",".join(sorted(self._dismissed)))

    def _set(self, dismissed: frozenset[Hint]) -> None:
        if dismissed != self._dismissed:
            self._dismissed = dismissed
            self.changed.emit()
