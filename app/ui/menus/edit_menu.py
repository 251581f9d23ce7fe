"""Undo and redo of changes of the recipe."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.menus.menu import SessionMenu
from app.ui.session import Session


class EditMenu(SessionMenu):
    """What a person changed in the recipe can be taken back."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Edit"))
        stack = session.undo_stack
        undo = stack.createUndoAction(self, self.tr("&Undo"))
        undo.setShortcut(QKeySequence.StandardKey.Undo)
        redo = stack.createRedoAction(self, self.tr("&Redo"))
        redo.setShortcut(QKeySequence.StandardKey.Redo)
        self.addActions([undo, redo])
