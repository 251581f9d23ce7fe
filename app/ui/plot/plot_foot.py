"""Foot of the plot: the readout, and buttons for selecting, showing all and following."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.ui.plot.plot_words import columns_explained
from app.ui.plot.readout import Readout
from app.ui.theme import SPACE


class PlotFoot(QWidget):
    """Readout and buttons; a plot without tokens has no buttons of its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.readout = Readout()
        self.selecting = _flat(self.tr("Select"))
        self.selecting.setCheckable(True)
        self.selecting.setToolTip(
            self.tr("Drag to select a range of tokens; Shift and drag always does.")
        )
        self.show_all = _flat(self.tr("Show all"))
        self.show_all.setToolTip(columns_explained())
        self.follow = _flat(self.tr("Follow"))
        self._buttons = layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.readout, 1)
        for button in (self.selecting, self.show_all, self.follow):
            layout.addWidget(button)

    def add_button(self, button: QWidget) -> None:
        """Add a button after the others, which is shown in plots without tokens as well."""
        self._buttons.addWidget(button)

    def offer(self, *, some: bool, following: bool) -> None:
        """Show the buttons that do something."""
        self.show_all.setVisible(some)
        self.selecting.setVisible(some)
        self.follow.setVisible(some and not following)


def _flat(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "flat")
    return button
