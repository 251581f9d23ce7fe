"""The buttons of a dialog of options whose prompts can be previewed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialogButtonBox, QPushButton, QWidget


class OptionButtons(QDialogButtonBox):
    """OK, Apply, Cancel, and one that applies and opens the preview of the prompts."""

    applied = Signal()
    """Apply was pressed, or the button of the preview before the preview."""
    preview_wanted = Signal()
    """The preview was asked for; ``applied`` came before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        kinds = QDialogButtonBox.StandardButton
        super().__init__(kinds.Ok | kinds.Cancel | kinds.Apply, parent)
        preview = QPushButton(self.tr("Apply and preview …"))
        preview.setToolTip(self.tr("Show the exact prompt of every role"))
        preview.clicked.connect(self.applied)
        preview.clicked.connect(self.preview_wanted)
        self.addButton(preview, QDialogButtonBox.ButtonRole.ResetRole)
        self.button(kinds.Apply).clicked.connect(self.applied)
        self._needing = (self.button(kinds.Ok), self.button(kinds.Apply), preview)

    def set_usable(self, usable: bool) -> None:
        """Enable all but Cancel, or disable them where the options cannot be applied."""
        for button in self._needing:
            button.setEnabled(usable)
