"""What the program is, and the versions that a bug report needs."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import QMessageBox, QWidget

from app import __version__
from app.ui.state.session import Session
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
