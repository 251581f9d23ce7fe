"""Label that shortens its text in the middle if it does not fit."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.ui.widgets.plain_tip import plain_tip


class ElidedLabel(QLabel):
    """Label with shortened text; the tool tip shows the whole text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full = ""
        self._about = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def full_text(self) -> str:
        """The text before it was shortened."""
        return self._full

    def show_text(self, text: str, about: str = "") -> None:
        """Set the text, and optionally a tool tip instead of the whole text."""
        if (text, about) != (self._full, self._about):
            self._full, self._about = text, about
            self._elide()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(
            self._full, Qt.TextElideMode.ElideMiddle, self.contentsRect().width()
        )
        self.setText(shown)
        tip = self._about or self._full
        self.setToolTip(plain_tip(tip) if tip != shown else "")
