"""Help menu: keyboard shortcuts and About."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow

from app.ui import about
from app.ui.menus.menu import SessionMenu
from app.ui.shortcuts_dialog import ShortcutsDialog
from app.ui.state.session import Session


class HelpMenu(SessionMenu):
    """Menu that opens the dialogs of shortcuts and versions."""

    def __init__(self, session: Session, window: QMainWindow) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Help"))
        self.add(
            self.tr("&Keyboard shortcuts"),
            lambda: ShortcutsDialog(window).open(),
            QKeySequence.StandardKey.HelpContents,
        )
        self.add(self.tr("&About Tuneshift"), lambda: about.show_about(window, session))
