"""Dialogs that ask for files and folders, with suggested names and icons of the theme."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QToolButton, QWidget

from app.ui.icons import icon
from app.ui.theme import current_theme

_LONGEST_NAME = 60
_ICONS = {
    "backButton": "back",
    "forwardButton": "forward",
    "toParentButton": "parent-folder",
    "newFolderButton": "new-folder",
    "listModeButton": "list-view",
    "detailModeButton": "detail-view",
}
"""Icons of the buttons of Qt's own dialog, which is shown where the desktop has none."""


def ask_file(
    parent: QWidget,
    title: str,
    folder: str,
    kinds: Sequence[str],
    chosen: Callable[[str], object],
) -> QFileDialog:
    """Ask for an existing file.

    Args:
        folder: The folder that is shown first.
        kinds: Name filters, such as ``Recipes (*.toml)``.
        chosen: Is called with the path.
    """
    dialog = _dialog(parent, title, folder, chosen)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters(kinds)
    dialog.open()
    return dialog


def ask_folder(
    parent: QWidget, title: str, folder: str, chosen: Callable[[str], object]
) -> QFileDialog:
    """Ask for a folder; ``chosen`` is called with its path."""
    dialog = _dialog(parent, title, folder, chosen)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.open()
    return dialog


def ask_new_file(
    parent: QWidget, title: str, suggested: Path, kind: str, chosen: Callable[[str], object]
) -> QFileDialog:
    """Ask where to write a file.

    Args:
        suggested: Its folder is shown first, its name stands in the field, and its endings
            are added to names without one.
        kind: Name filter.
        chosen: Is called with the path.
    """
    dialog = _dialog(parent, title, str(suggested.parent), chosen)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilter(kind)
    dialog.setDefaultSuffix("".join(suggested.suffixes).removeprefix("."))
    dialog.selectFile(suggested.name)
    dialog.open()
    return dialog


def file_stem(title: str, otherwise: str) -> str:
    """A file name without ending for a title, allowed on every system."""
    return re.sub(r"[^\w-]+", "-", title).strip("-")[:_LONGEST_NAME].rstrip("-") or otherwise


def _dialog(
    parent: QWidget, title: str, folder: str, chosen: Callable[[str], object]
) -> QFileDialog:
    dialog = QFileDialog(parent, title, folder)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(chosen)
    for name, picture in _ICONS.items():
        button = dialog.findChild(QToolButton, name)
        if button is not None:  # a dialog of the desktop has no widgets of Qt
            button.setIcon(icon(picture, current_theme().text, current_theme().muted))
    return dialog
