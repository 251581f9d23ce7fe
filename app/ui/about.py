"""The dialogs of the Help menu."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QMainWindow,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from app import __version__
from app.ui.session import Session
from app.ui.theme import SPACE
from app.ui.translation import translate

_LIBRARIES = (
    "torch",
    "transformers",
    "huggingface_hub",
    "accelerate",
    "bitsandbytes",
    "PySide6-Essentials",
)


def describe_versions() -> str:
    """Versions of the program, its libraries and the system, one to a line, for bug reports."""
    lines = [f"Tuneshift {__version__}", f"Python {platform.python_version()}", f"Qt {qVersion()}"]
    for library in _LIBRARIES:
        try:
            lines.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            lines.append(f"{library} –")
    lines.append(platform.platform())
    return "\n".join(lines)


def show_about(parent: QWidget, session: Session) -> None:
    """What the program is, and the versions that a bug report needs."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(translate("About", "About Tuneshift"))
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(
        translate(
            "About", "Tuneshift: proxy-tuning of language models, with every token explained."
        )
    )
    devices = ", ".join(session.devices) or "–"
    line = translate("About", "Devices: {0}").format(devices)
    box.setInformativeText(f"{describe_versions()}\n{line}")
    box.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    box.open()


def show_shortcuts(window: QMainWindow) -> None:
    """Every action of the menus with its keys."""
    dialog = QDialog(window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(translate("About", "Keyboard shortcuts"))
    grid = QGridLayout()
    grid.setHorizontalSpacing(4 * SPACE)
    grid.setVerticalSpacing(SPACE)
    actions = [a for a in window.findChildren(QAction) if a.text() and a.shortcuts()]
    for row, action in enumerate(actions):
        grid.addWidget(QLabel(action.text().replace("&", "").removesuffix(" …")), row, 0)
        keys = QLabel(
            " / ".join(key.toString(key.SequenceFormat.NativeText) for key in action.shortcuts())
        )
        keys.setProperty("role", "caption")
        grid.addWidget(keys, row, 1)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
    layout.setSpacing(2 * SPACE)
    layout.addLayout(grid)
    layout.addWidget(buttons)
    dialog.open()
