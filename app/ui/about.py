"""About dialog, with the versions that a bug report needs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import __version__
from app.resources import commit, is_packaged
from app.ui.icons import application_icon
from app.ui.state.session import Session
from app.ui.theme import SPACE

_LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "huggingface_hub",
    "accelerate",
    "peft",
    "bitsandbytes",
    "gguf",
    "numpy",
    "PySide6-Essentials",
    "pyqtgraph",
    "qasync",
)
_ICON = 64


def describe_versions() -> str:
    """Versions of the program, its libraries and the system, one per line, for bug reports."""
    kind = "packaged" if is_packaged() else "from Python"
    lines = [
        f"Tuneshift {__version__} ({commit() or 'commit unknown'}, {kind})",
        f"Python {platform.python_version()}",
        f"Qt {qVersion()} ({QGuiApplication.platformName()})",
    ]
    for library in _LIBRARIES:
        try:
            lines.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            lines.append(f"{library} –")
    lines.append(platform.platform())
    return "\n".join(lines)


def show_about(parent: QWidget, session: Session) -> None:
    """Open the About dialog."""
    AboutDialog(parent, session.devices).open()


class AboutDialog(QDialog):
    """Dialog with the program's name and a list of versions that can be copied.

    Args:
        parent: The window.
        devices: Names of the available devices; empty until PyTorch has started.
    """

    def __init__(self, parent: QWidget, devices: Sequence[str]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("About Tuneshift"))
        # Not translated: the developers must be able to read bug reports.
        self.report = describe_versions() + (f"\nDevices: {', '.join(devices)}" if devices else "")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(2 * SPACE)
        layout.addLayout(self._make_head())
        layout.addWidget(self._make_versions())
        layout.addWidget(self._make_buttons())
        layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetFixedSize)

    def _make_head(self) -> QHBoxLayout:
        picture = QLabel()
        picture.setPixmap(application_icon().pixmap(_ICON, _ICON))
        name = QLabel(f"Tuneshift {__version__}")
        name.setProperty("role", "section")
        said = QLabel(self.tr("Proxy-tuning of language models, with every token explained."))
        licence = QLabel(self.tr("Apache License 2.0"))
        licence.setProperty("role", "caption")
        words = QVBoxLayout()
        words.setSpacing(SPACE // 2)
        words.addStretch()
        for label in (name, said, licence):
            words.addWidget(label)
        words.addStretch()
        head = QHBoxLayout()
        head.setSpacing(2 * SPACE)
        head.addWidget(picture)
        head.addLayout(words, 1)
        return head

    def _make_versions(self) -> QLabel:
        versions = QLabel(self.report)
        versions.setTextFormat(Qt.TextFormat.PlainText)
        versions.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        versions.setAccessibleName(self.tr("Versions"))
        versions.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        return versions

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton(
            self.tr("&Copy for a bug report"), QDialogButtonBox.ButtonRole.ActionRole
        )
        self.copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.reject)
        return buttons

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report)
        self.copy.setText(self.tr("Copied"))
