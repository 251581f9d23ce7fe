"""Controls in a scrolling panel must not change because the wheel passes over them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QWidget


class QuietWheel(QObject):
    """Event filter: a control takes the wheel only while it has the focus."""

    def watch(self, *controls: QWidget) -> None:
        """Apply to these controls."""
        for control in controls:
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        passing = event.type() == QEvent.Type.Wheel and not (
            isinstance(watched, QWidget) and watched.hasFocus()
        )
        if passing:
            event.ignore()
        return passing
