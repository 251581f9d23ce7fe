"""Conversation menu: what can be done with the chosen turn, and the form of the answers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.ui.chat.chat_view import ChatView
from app.ui.chat.turn_view import TurnView
from app.ui.menus.menu import SessionMenu
from app.ui.state.session import Session


class ConversationMenu(SessionMenu):
    """Menu for the turn of the shown run."""

    def __init__(self, session: Session, window: QWidget, chat: ChatView) -> None:
        super().__init__(session, window)
        self._view = chat
        self.setTitle(self.tr("Con&versation"))
        self._mode = self.add(
            self.tr("&Chat instead of a text"),
            lambda: session.mode.choose(not session.mode.chat),
            "Ctrl+T",
        )
        self._mode.setCheckable(True)
        self._new = self.add(self.tr("&New conversation"), session.chat.start_anew, "Ctrl+Shift+N")
        self.addSeparator()
        act = self._on_turn
        self._turn = [
            self.add(self.tr("&Edit the message …"), act(TurnView.edit_message), "Ctrl+E"),
            self.add(self.tr("Edit the &answer …"), act(TurnView.edit_answer), "Ctrl+Alt+E"),
        ]
        self._moves = [
            self.add(
                self.tr("Pre&vious answer here"),
                act(lambda turn: turn.show_version(-1)),
                "Ctrl+Shift+PgUp",
            ),
            self.add(
                self.tr("Ne&xt answer here"),
                act(lambda turn: turn.show_version(1)),
                "Ctrl+Shift+PgDown",
            ),
            self.add(self.tr("Previous &turn"), lambda: chat.choose_turn(-1), "Alt+PgUp"),
            self.add(self.tr("Next t&urn"), lambda: chat.choose_turn(1), "Alt+PgDown"),
        ]
        self._delete = self.add(self.tr("&Delete from here"), act(TurnView.delete_from_here))
        self.addSeparator()
        self._copies = [
            self.add(self.tr("Co&py the answer"), act(TurnView.copy_answer)),
            self.add(self.tr("Cop&y the conversation"), self._copy_conversation),
        ]
        self._rendered = self.add(
            self.tr("&Formatted answers"),
            lambda: session.display.set_rendered(not session.display.rendered),
            "Ctrl+Shift+M",
        )
        self._rendered.setCheckable(True)
        session.runs.run_changed.connect(self._update)
        session.chat.changed.connect(self._update)
        session.mode.changed.connect(self._update)
        session.display.rendered_changed.connect(self._update)
        self._update()

    def _on_turn(self, act: Callable[[TurnView], object]) -> Callable[[], None]:
        """A slot that calls ``act`` for the chosen turn."""

        def call() -> None:
            turn = self._view.current
            if turn:
                act(turn)

        return call

    def _copy_conversation(self) -> None:
        QGuiApplication.clipboard().setText(self._view.markdown)

    def _update(self) -> None:
        session = self._session
        chat, running = session.mode.chat, session.runs.running
        chosen = chat and self._view.current is not None
        self._mode.setChecked(chat)
        self._new.setEnabled(chat and not running)
        for action in (*self._turn, self._delete):
            action.setEnabled(chosen and not running)
        for action in (*self._moves, *self._copies):
            action.setEnabled(chosen)
        self._rendered.setEnabled(chat)
        self._rendered.setChecked(session.display.rendered)
