"""The indicator of the API server in the status bar, visible while the server runs."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from app.ui.serve.serve_dialog import show_serve_dialog
from app.ui.state.models.api_switch import ServeState
from app.ui.state.session import Session


class ServeIndicator(QPushButton):
    """Shows that the API server runs and how many requests are open; opens its dialog."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._serving = session.serving
        self.setProperty("role", "link")
        self.setToolTip(self.tr("The API server is on. Click for details."))
        self.clicked.connect(lambda: show_serve_dialog(session, self))
        self._serving.changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        figures = self._serving.figures
        asked = figures.waiting + figures.running
        text = self.tr("API server · in progress: {0}") if asked else self.tr("API server")
        self.setText(text.format(f"{asked:,}"))
        self.setVisible(self._serving.state is not ServeState.OFF)
