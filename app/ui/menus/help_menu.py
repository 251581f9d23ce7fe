"""Help menu: the help page, a tour, hints, keyboard shortcuts and About."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow

from app.ui import about
from app.ui.help.help_page import HelpPage
from app.ui.menus.menu import SessionMenu
from app.ui.shortcuts_dialog import ShortcutsDialog
from app.ui.state.session import Session
from app.ui.train.train_opener import show_training


class HelpMenu(SessionMenu):
    """Menu that opens the help page and other dialogs, and shows or hides the hints."""

    def __init__(self, session: Session, window: QMainWindow) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Help"))
        self.add(
            self.tr("&How Tuneshift works"),
            lambda: HelpPage(window).show(),
            QKeySequence.StandardKey.HelpContents,
        )
        self.add(
            self.tr("&Tour: make an expert in five minutes"),
            lambda: show_training(session, window, tour=True),
        )
        hints = session.display.hints
        shown = self.add(self.tr("Hint&s"), lambda: hints.show_all(shown=shown.isChecked()))
        shown.setCheckable(True)
        shown.setToolTip(self.tr("Show or hide the sentences that explain parts of the window."))
        self.aboutToShow.connect(lambda: shown.setChecked(hints.any_shown))
        self.add(self.tr("&Keyboard shortcuts"), lambda: ShortcutsDialog(window).open(), "Ctrl+/")
        self.add(self.tr("&About Tuneshift"), lambda: about.show_about(window, session))
