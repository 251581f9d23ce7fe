"""Button at the plot that moves it to a window of its own, and back."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from app.ui.widgets.window_panels import WindowPanels


class DetachButton(QPushButton):
    """Flat button with what it does next; its tool tip has the key of the View menu's action."""

    def __init__(self, panels: WindowPanels, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panels = panels
        self.setProperty("role", "flat")
        self.clicked.connect(lambda: panels.set_detached(not panels.detached))
        panels.changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        detached = self._panels.detached
        self.setText(self.tr("Put back") if detached else self.tr("Detach"))
        self.setToolTip(
            self.tr("Put the plot back into the main window (Ctrl+4).")
            if detached
            else self.tr("Show the plot in a window of its own, as large as you want (Ctrl+4).")
        )
