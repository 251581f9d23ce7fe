"""Edit menu: undo and redo of recipe changes, and copying of tokens."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.history.exporting import copy_shown
from app.ui.menus.menu import SessionMenu
from app.ui.state.session import Session


class EditMenu(SessionMenu):
    """Menu with undo and redo of recipe changes, and copying of tokens."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Edit"))
        stack = session.undo_stack
        undo = stack.createUndoAction(self, self.tr("&Undo"))
        undo.setShortcut(QKeySequence.StandardKey.Undo)
        redo = stack.createRedoAction(self, self.tr("&Redo"))
        redo.setShortcut(QKeySequence.StandardKey.Redo)
        self.addActions([undo, redo])
        self.addSeparator()
        self._copy = self.add(
            self.tr("Copy as &Markdown table"),
            lambda: copy_shown(session, "markdown"),
            "Ctrl+Shift+C",
            self.tr("The selected tokens with their numbers, or all of them (Ctrl+Shift+C)"),
        )
        session.runs.run_changed.connect(self._update)
        session.runs.tokens_added.connect(self._update)
        self._update()

    def _update(self) -> None:
        run = self._session.runs.current
        self._copy.setEnabled(run is not None and bool(run.tokens))
