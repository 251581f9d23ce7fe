"""Base class of the menus."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.ui.state.session import Session

Keys = str | QKeySequence.StandardKey


class SessionMenu(QMenu):
    """Menu whose actions belong to the window, so that their shortcuts work everywhere in it."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window

    def follow_run(self, update: Callable[[], None]) -> None:
        """Call ``update`` when another run is shown, begins or ends, or has its first tokens."""

        def update_first(first: int) -> None:
            if first == 0:
                update()

        self._session.runs.run_changed.connect(update)
        self._session.runs.tokens_added.connect(update_first)

    def add(
        self, text: str, slot: Callable[[], object], keys: Keys | Sequence[Keys] = (), tip: str = ""
    ) -> QAction:
        """Append an action with the shortcuts ``keys``."""
        action = QAction(text, self)
        several = [keys] if isinstance(keys, str | QKeySequence.StandardKey) else keys
        action.setShortcuts([QKeySequence(key) for key in several])
        if tip:
            action.setToolTip(tip)
        action.triggered.connect(lambda: slot())
        self.addAction(action)
        return action
