"""Generating, loading, and what can be looked at before."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.ui.menus.menu import SessionMenu
from app.ui.models.memory_dialog import show_memory
from app.ui.recipe.prompt_preview import show_preview
from app.ui.recipe.vocabulary_view import show_vocabulary
from app.ui.session import LoadState, Session


class RunMenu(SessionMenu):
    """Starts and stops texts.

    Args:
        prompt: Gives what the person has typed.
    """

    def __init__(self, session: Session, window: QWidget, prompt: Callable[[], str]) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Run"))
        self.generate = self.add(
            self.tr("Generate"),
            lambda: session.runs.generate(prompt()),
            ("Ctrl+Return", "Ctrl+Enter"),
            self.tr("Continue the prompt (Ctrl+Enter)"),
        )
        self.stop = self.add(
            self.tr("Stop"), session.runs.stop, "Esc", self.tr("Stop after this token (Esc)")
        )
        self.addSeparator()
        self.add(self.tr("&Load models again"), lambda: session.load(fresh=True), "Ctrl+R")
        self._cancel = self.add(self.tr("&Cancel loading"), session.cancel_load)
        self.addSeparator()
        self.add(
            self.tr("&Prompt preview …"), lambda: show_preview(session, window), "Ctrl+Shift+P"
        )
        self.add(self.tr("&Vocabulary …"), lambda: show_vocabulary(session, window))
        self.add(self.tr("&Memory …"), lambda: show_memory(session, window))
        session.runs.run_changed.connect(self._update)
        session.load_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        self.generate.setEnabled(not self._session.runs.running)
        self.stop.setEnabled(self._session.runs.running)
        self._cancel.setEnabled(self._session.load_state is LoadState.LOADING)
