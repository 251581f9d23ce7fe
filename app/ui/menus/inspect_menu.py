"""Inspect menu: navigation between tokens, display settings, and the map of α."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.alpha_map.alpha_map_opener import show_alpha_map
from app.ui.menus.menu import SessionMenu
from app.ui.state.session import Session
from app.ui.text.tint_menus import GroupingMenu, TintMenu
from app.ui.what_if.what_if_bar import WhatIfBar


class InspectMenu(SessionMenu):
    """Menu that selects the next or previous token, flip or shift, and opens the map of α.

    Args:
        what_if: The what-if bar, which answers questions of the map.
    """

    def __init__(self, session: Session, window: QWidget, what_if: WhatIfBar) -> None:
        super().__init__(session, window)
        self.setTitle(self.tr("&Inspect"))
        selection = session.selection
        self.next = self.add(
            self.tr("Next flip"),
            lambda: selection.move_to_flip(1),
            "Ctrl+Down",
            self.tr(
                "Select the next flip: a token where the experts changed the most "
                "probable token (Ctrl+Down)"
            ),
        )
        self.previous = self.add(
            self.tr("Previous flip"),
            lambda: selection.move_to_flip(-1),
            "Ctrl+Up",
            self.tr(
                "Select the previous flip: a token where the experts changed the most "
                "probable token (Ctrl+Up)"
            ),
        )
        changes = session.changes
        self._by_size = (
            self.add(
                self.tr("Next smaller shift"),
                lambda: changes.move(1),
                "Ctrl+Shift+Down",
                self.tr("Select the next token of the Changes tab (Ctrl+Shift+Down)"),
            ),
            self.add(
                self.tr("Next larger shift"),
                lambda: changes.move(-1),
                "Ctrl+Shift+Up",
                self.tr("Select the previous token of the Changes tab (Ctrl+Shift+Up)"),
            ),
        )
        self.addSeparator()
        self.add(self.tr("Next token"), lambda: selection.move(1), "Alt+Right")
        self.add(self.tr("Previous token"), lambda: selection.move(-1), "Alt+Left")
        self.addSeparator()
        self.addMenu(TintMenu(session, self, keys=True))
        self.addMenu(GroupingMenu(session, self))
        self.addSeparator()
        self._map = self.add(
            self.tr("&Map of α …"),
            lambda: show_alpha_map(session, window, what_if),
            "Ctrl+Shift+G",
            self.tr("Show every token of the run at every α (Ctrl+Shift+G)"),
        )
        self.follow_run(self._update)
        self._update()

    def _update(self) -> None:
        run = self._session.runs.current
        for action in (self.next, self.previous, *self._by_size, self._map):
            action.setEnabled(run is not None and bool(run.tokens))
