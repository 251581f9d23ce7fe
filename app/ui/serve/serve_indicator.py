"""In the status bar while the API is on, so that it is not forgotten."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from app.ui.serve.serve_dialog import show_serve_dialog
from app.ui.state.models.api_switch import ServeState
from app.ui.state.session import Session


class ServeIndicator(QPushButton):
    """Says that the window is served and to how many; opens the dialog."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._serving = session.serving
        self.setProperty("role", "link")
        self.setToolTip(self.tr("Other programs can ask the loaded recipe. Click to see how."))
        self.clicked.connect(lambda: show_serve_dialog(session, self))
        self._serving.changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        figures = self._serving.figures
        asked = figures.waiting + bool(figures.client)
        text = self.tr("Serving, texts asked for: {0}") if asked else self.tr("Serving")
        self.setText(text.format(f"{asked:,}"))
        self.setVisible(self._serving.state is not ServeState.OFF)
