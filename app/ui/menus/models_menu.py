"""Models menu: the Hub, downloaded models, loading, checks, experts and the API server."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.menus.menu import SessionMenu
from app.ui.models.cache_dialog import CacheDialog
from app.ui.models.hub_dialog import HubDialog
from app.ui.models.memory_dialog import show_memory
from app.ui.recipe.vocabulary_view import show_vocabulary
from app.ui.serve.serve_dialog import show_serve_dialog
from app.ui.state.session import LoadState, Session
from app.ui.train.train_opener import show_training


class ModelsMenu(SessionMenu):
    """Menu that gets, loads, checks, makes and serves models."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Models"))
        self.add(self.tr("From the &Hub …"), lambda: HubDialog(session, 0, window).open(), "Ctrl+H")
        self.add(self.tr("&Downloaded models …"), lambda: CacheDialog(session, window).open())
        self.addSeparator()
        self.add(self.tr("&Load models again"), lambda: session.load(fresh=True), "Ctrl+R")
        self._cancel = self.add(self.tr("&Cancel loading"), session.cancel_load)
        self.addSeparator()
        self.add(self.tr("&Vocabulary …"), lambda: show_vocabulary(session, window))
        self.add(self.tr("&Memory …"), lambda: show_memory(session, window))
        self.addSeparator()
        self.add(self.tr("Make an e&xpert …"), lambda: show_training(session, window))
        self.add(self.tr("&API server …"), lambda: show_serve_dialog(session, window))
        session.load_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        self._cancel.setEnabled(self._session.load_state is LoadState.LOADING)
