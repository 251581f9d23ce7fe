"""Actions of menus of which one is checked at a time."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from app.wording import menu_text


def add_exclusive(
    menu: QMenu, group: QActionGroup, title: str, choose: Callable[[], None]
) -> QAction:
    """Append an action of ``group`` to ``menu``; ``choose`` is called when it is chosen."""
    action = menu.addAction(menu_text(title))
    action.setCheckable(True)
    group.addAction(action)
    action.triggered.connect(lambda _=False: choose())
    return action
