"""Models menu: the Hub, downloaded models and the API server."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.menus.menu import SessionMenu
from app.ui.models.cache_dialog import CacheDialog
from app.ui.models.hub_dialog import HubDialog
from app.ui.serve.serve_dialog import show_serve_dialog
from app.ui.state.session import Session


class ModelsMenu(SessionMenu):
    """Menu that opens the dialogs of the Hub, of downloaded models and of the API server."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Models"))
        self.add(self.tr("From the &Hub …"), lambda: HubDialog(session, 0, window).open(), "Ctrl+H")
        self.add(self.tr("&Downloaded models …"), lambda: CacheDialog(session, window).open())
        self.addSeparator()
        self.add(self.tr("&API server …"), lambda: show_serve_dialog(session, window))
