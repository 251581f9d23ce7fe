"""One turn of the conversation: the message of the user, its answer, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QTimer, Signal
from PySide6.QtGui import QColor, QEnterEvent, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.chat.answer_view import AnswerView
from app.ui.chat.message_bubble import MessageBubble
from app.ui.chat.message_entry import MessageEntry
from app.ui.chat.turn_buttons import TurnButtons
from app.ui.state.runs.chat import Turn
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.text_scale import follow_text_scale
from app.ui.theme import SPACE, current_theme
from app.ui.words.run_titles import RunTitles

_INDENT = 6 * SPACE
"""Space at the left of the user's messages."""
_BAR = 3


class TurnView(QWidget):
    """A turn. The answer of the shown run has a bar at its left.

    Args:
        session: The state of the window.
        turn: The turn.
        index: Its place in the conversation.
    """

    reveal = Signal(QRect)
    """A part of this widget should be visible."""
    edited = Signal()
    """An edited message or answer was entered."""

    def __init__(self, session: Session, turn: Turn, index: int) -> None:
        super().__init__()
        self._session = session
        self._chat = session.chat
        self._words = RunTitles(self)
        self.turn = turn
        self.index = index
        self.message = MessageBubble(turn.message)
        self.answer = AnswerView(session, turn)
        self.answer.reveal.connect(self._on_reveal)
        self.entry = MessageEntry(can_cancel=True)
        self.entry.sent.connect(self._on_entered)
        self.entry.cancelled.connect(self.stop_editing)
        self._rewriting = False
        for text in (self.message.text, self.entry):
            follow_text_scale(text, session.display)
        self._lay_out()
        self.update_turn(turn, index)

    # Construction

    def _lay_out(self) -> None:
        said = QHBoxLayout()
        said.setContentsMargins(_INDENT, 0, 0, 0)
        said.addStretch(1)
        said.addWidget(self.message)
        self._editor = QFrame()
        self._editor.setProperty("role", "bubble")
        field = QVBoxLayout(self._editor)
        field.setContentsMargins(SPACE, SPACE // 2, SPACE, SPACE // 2)
        field.addWidget(self.entry)
        self._keys = QLabel()
        self._keys.setProperty("role", "caption")
        self._keys.setWordWrap(True)
        self._keys.setContentsMargins(SPACE // 2, 0, SPACE // 2, 0)  # in line with the text
        field.addWidget(self._keys)
        self._editor.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + _BAR, SPACE // 2, SPACE // 2, SPACE // 2)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(said)
        layout.addWidget(self._editor)
        layout.addWidget(self.answer)
        layout.addWidget(self._make_buttons())

    def _make_buttons(self) -> TurnButtons:
        row = TurnButtons()
        self._row = row
        row.add(self.tr("Copy"), self.copy_answer, self.tr("Copy the text of the answer"))
        self.again = row.add(
            self.tr("Regenerate"), self.regenerate, self.tr("Answer again, with a new seed")
        )
        self.go_on = row.add(
            self.tr("Continue"), self._chat.go_on, self.tr("Continue the answer where it ended")
        )
        self.edit = row.add(
            self.tr("Edit message"), self.edit_message, self.tr("Ask something else in its place")
        )
        more = row.add_menu(self.tr("More"))
        self.rewrite = more.addAction(self.tr("Edit answer"), self.edit_answer)
        self.delete = more.addAction(self.tr("Delete from here"), self.delete_from_here)
        row.add_stretch()
        # At the right, where they do not move the other buttons when they come.
        self.back = row.add(
            "‹", lambda: self.show_version(-1), self.tr("Previous answer here"), quiet=False
        )
        self._count = row.add_label()
        self.forth = row.add(
            "›", lambda: self.show_version(1), self.tr("Next answer here"), quiet=False
        )
        self._state = row.add_label()
        return row

    # What is shown

    def update_turn(self, turn: Turn, index: int) -> None:
        """Show what changed: the place, the versions, the state of the answer."""
        self.turn, self.index = turn, index
        run, running = turn.answer, self._session.runs.running
        versions = self._chat.versions(index) if index < len(self._chat.turns) else []
        several = len(versions) > 1
        for widget in (self.back, self._count, self.forth):
            widget.setVisible(several)
        if several and run in versions:
            place = versions.index(run) + 1
            self._count.setText(self.tr("{0} of {1}").format(place, len(versions)))
            self.back.setEnabled(place > 1)
            self.forth.setEnabled(place < len(versions))
        here = run is not None and run in self._session.runs.all
        for offer in (self.again, self.edit, self.rewrite):
            offer.setEnabled(not running)
        self.go_on.setEnabled(not running)
        self.delete.setEnabled(here)
        self.update_state()
        self.answer.update_answer()
        self._show_buttons()
        self.update()

    def update_state(self) -> None:
        """Say how far the answer is; that of the shown run stands below the turns."""
        run = self.turn.answer
        if run is None or run is self._session.runs.current:
            self._state.setText("")
        elif run.active and run.tokens:
            self._state.setText(self.tr("writing …"))
        else:
            self._state.setText(self._words.state(run))

    def _show_buttons(self) -> None:
        """Show the buttons of the chosen turn, and of the one under the pointer."""
        run = self.turn.answer
        chosen = run is not None and run is self._session.runs.current
        ended = run is not None and run is self._chat.tip
        self._row.show_all(chosen or self.underMouse(), None if ended else self.go_on)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 — Qt's name
        super().enterEvent(event)
        self._show_buttons()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().leaveEvent(event)
        self._show_buttons()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        if self.turn.answer and self.turn.answer is self._session.runs.current:
            place = self.answer.geometry()
            bar = QRect(0, place.top(), _BAR, place.height())
            painter = QPainter(self)
            painter.fillRect(bar, QColor(current_theme().accent))
            painter.end()

    def _on_reveal(self, area: QRect) -> None:
        self.reveal.emit(area.translated(self.answer.pos()))

    # What can be done

    def copy_answer(self) -> None:
        """Copy the text of the answer, without the thinking before it."""
        run = self.turn.answer
        QGuiApplication.clipboard().setText(run.answer if run else self.turn.text)

    def show_version(self, by: int) -> None:
        """Show the next (1) or previous (−1) answer at this place."""
        versions: list[Run] = self._chat.versions(self.index)
        if self.turn.answer in versions:
            place = versions.index(self.turn.answer) + by
            if 0 <= place < len(versions):
                self._session.runs.show(versions[place])

    def regenerate(self) -> None:
        """Answer the message again, with a new seed."""
        self._chat.regenerate(self.index)

    def delete_from_here(self) -> None:
        """Remove this turn and all after it."""
        self._chat.delete_from(self.index)

    def edit_message(self) -> None:
        """Edit the message in its place."""
        self._begin_editing(self.turn.message, self.tr("Your message"), rewriting=False)
        self._keys.setText(self.tr("Enter sends it and has it answered anew, Esc changes nothing."))

    def edit_answer(self) -> None:
        """Edit the answer in its place."""
        self._begin_editing(self.answer.text, self.tr("Answer"), rewriting=True)
        self._keys.setText(self.tr("Enter takes it over, Esc changes nothing."))

    def _begin_editing(self, text: str, name: str, *, rewriting: bool) -> None:
        self._rewriting = rewriting
        self.entry.setPlainText(text)
        self.entry.setAccessibleName(name)
        self.message.setVisible(rewriting)
        self.answer.setVisible(not rewriting)
        self._editor.show()
        self.entry.selectAll()
        self.entry.setFocus()
        QTimer.singleShot(0, self, lambda: self.reveal.emit(self._editor.geometry()))

    def stop_editing(self) -> None:
        """Leave the message and the answer as they are."""
        self._close_editor()
        self.answer.focus()

    def _close_editor(self) -> None:
        self._editor.hide()
        self.message.show()
        self.answer.show()

    def _on_entered(self, text: str) -> None:
        chat, index = self._chat, self.index
        self._close_editor()
        self.edited.emit()
        if self._rewriting:
            chat.rewrite(index, text)
        elif text.strip():
            chat.edit(index, text)
