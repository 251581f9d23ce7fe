"""The tokens of one answer of a conversation, as high as they need."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QMouseEvent, QResizeEvent, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.ui.chat.thinking_row import thinking_tokens
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.transcript_edit import TranscriptText

_OTHER_REASONS = (
    Qt.FocusReason.ActiveWindowFocusReason,
    Qt.FocusReason.PopupFocusReason,
    Qt.FocusReason.MenuBarFocusReason,
)
"""Reasons for which the focus comes back, without a choice of the user."""


class AnswerText(TranscriptText):
    """Tokens of an answer without scroll bars; a click or the focus makes it the shown run."""

    _folded = False  # the base class appends tokens while it is made

    reveal = Signal(QRect)
    """A part of the widget should be visible."""
    unfolded = Signal()
    """A token of the folded thinking was selected."""

    def __init__(self, session: Session, run: Run, parent: QWidget | None = None) -> None:
        super().__init__(session, parent, run)
        self._run = run
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Answer"))
        session.runs.generation.added.connect(self._on_added)
        self.document().contentsChanged.connect(self._fit)
        self._fit()

    def _on_added(self, run: Run) -> None:
        if run is self._run:
            self._on_run()

    # Thinking

    def fold(self, folded: bool) -> None:
        """Hide or show the lines of the thinking."""
        self._folded = folded
        end = self._thinking_end() if folded else 0
        block = self.document().firstBlock()
        changed = False
        while block.isValid():
            shown = block.position() + block.length() > end
            changed = changed or shown != block.isVisible()
            block.setVisible(shown)
            block = block.next()
        if changed:
            self.document().markContentsDirty(0, self.document().characterCount())
            self.viewport().update()
            self._fit()

    def _thinking_end(self) -> int:
        """The position in the document where the answer begins; 0 without thinking."""
        count = thinking_tokens(self._run)
        if not count or not self.places.count:
            return 0
        if count >= self.places.count:
            return self.document().characterCount()
        return self.places.token_range(count)[0]

    def _append(self) -> None:
        before = self.places.count
        super()._append()
        if self._folded and self.places.count != before:
            self.fold(True)

    def _on_selection(self) -> None:
        index = self._selection.token
        if self._folded and index is not None and index < thinking_tokens(self._run):
            self.unfolded.emit()
        super()._on_selection()

    # Height

    def _fit(self) -> None:
        """Make the widget as high as its text."""
        height = 2.0
        block = self.document().firstBlock()
        while block.isValid():
            height += self.blockBoundingRect(block).height()
            block = block.next()
        if round(height) != self.height():
            self.setFixedHeight(round(height))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 — Qt's name
        event.ignore()  # the conversation scrolls, not its answers

    def _follow(self) -> None:
        """Do nothing: the conversation follows its last answer."""

    def _scroll_to(self, position: int) -> None:
        cursor = QTextCursor(self.document())
        cursor.setPosition(position)
        self.reveal.emit(self.cursorRect(cursor))

    # Choosing the answer

    def _choose(self) -> None:
        if self._run in self._session.runs.all:
            self._session.runs.show(self._run)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        self._choose()
        super().mousePressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 — Qt's name
        super().focusInEvent(event)
        if event.reason() not in _OTHER_REASONS:
            self._choose()
