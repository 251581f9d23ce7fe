"""Modeless dialogs that exist once and are raised when opened again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

D = TypeVar("D", bound=QDialog)


def show_once(parent: QWidget, kind: type[D], name: str, make: Callable[[QWidget], D]) -> D:
    """Raise the open dialog ``name`` of the window that contains ``parent``, or make it."""
    window = parent.window()
    while isinstance(window, QDialog) and (above := window.parentWidget()):
        window = above.window()
    for open_one in window.findChildren(kind, name):
        if open_one.isVisible():
            dialog = open_one
            break
    else:
        dialog = make(window)
        dialog.setObjectName(name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
    dialog.raise_()
    dialog.activateWindow()
    return dialog
