"""Field for a message, which grows with what is in it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from app.ui.theme import SPACE

_MOST_LINES = 8


class MessageEntry(QPlainTextEdit):
    """Field of one to eight lines. Enter sends, Shift+Enter begins a line, Escape cancels.

    Escape is left to the window unless somebody listens to ``cancelled``.
    """

    sent = Signal(str)
    """Enter was pressed; the text. The field keeps it until it is cleared."""
    cancelled = Signal()
    """Escape was pressed in a field that can be cancelled."""

    def __init__(
        self,
        *,
        can_cancel: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._can_cancel = can_cancel
        self.setProperty("role", "bare")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(SPACE // 2)
        self.textChanged.connect(self._grow)
        self._grow()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 — Qt's name
        files = any(url.isLocalFile() for url in source.urls())
        return not files and super().canInsertFromMimeData(source)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.sent.emit(self.toPlainText())
        elif plain and event.key() == Qt.Key.Key_Escape and self._can_cancel:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
            and self._can_cancel
        ):
            event.accept()  # before the window's Stop
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._grow()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._grow()

    def _grow(self) -> None:
        lines = min(max(int(self.document().size().height()), 1), _MOST_LINES)
        height = self.fontMetrics().lineSpacing() * lines + SPACE + 2
        if height != self.height():
            self.setFixedHeight(height)
