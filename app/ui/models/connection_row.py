"""The connection row: asks the server of a base whether it can be used, and shows what it said."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.checkpoints.spec import Recipe
from app.errors import TuneshiftError
from app.ui.state.background import Background
from app.ui.theme import SPACE
from app.ui.widgets.message_label import MessageLabel

if TYPE_CHECKING:
    from app.checkpoints.endpoints.connection_check import CheckedConnection

_BAR_HEIGHT = 6


class ConnectionRow(QWidget):
    """A button that checks a connection on a thread of its own, and the outcome.

    The button cancels the check while it goes on.
    """

    pressed = Signal()
    """The person asks for a check; :meth:`check` begins one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._background = Background("connection check", self)
        self._cancelled: Event | None = None
        self._job = 0
        self.button = QPushButton()
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._on_click)
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(_BAR_HEIGHT)
        self.progress.setAccessibleName(self.tr("Progress of the check"))
        self.outcome = MessageLabel()
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(self.button)
        row.addWidget(self.progress, 1)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addLayout(row)
        layout.addWidget(self.outcome)
        self._show("")

    def check(self, recipe: Recipe) -> None:
        """Ask the server of the base of ``recipe``."""
        self.forget()
        cancelled = self._cancelled = Event()

        def work() -> CheckedConnection:
            # Imports transformers: seconds.
            from app.checkpoints.endpoints.connection_check import check_connection

            return check_connection(recipe, cancelled.is_set)

        def done(found: CheckedConnection) -> None:
            self._cancelled = None
            self._show(self._words(found, recipe))

        def failed(error: TuneshiftError) -> None:
            self._cancelled = None
            self._show(str(error), "error")

        self._job = self._background.run(self, work, done, failed)
        self._show(self.tr("Asking the server …"))

    def forget(self) -> None:
        """Cancel the check that goes on, and drop what an earlier one found."""
        if self._cancelled is not None:
            self._cancelled.set()
            self._cancelled = None
            self._background.forget(self._job)  # whose answer may be waiting
        self._show("")

    def close_check(self) -> None:
        """Cancel the check, and begin no other."""
        self.forget()
        self._background.close()

    def _on_click(self) -> None:
        if self._cancelled is not None:
            self.forget()
        else:
            self.pressed.emit()

    def _show(self, text: str, role: str = "caption") -> None:
        checking = self._cancelled is not None
        self.button.setText(
            self.tr("Cancel the check") if checking else self.tr("&Check the connection")
        )
        self.progress.setVisible(checking)
        self.outcome.setVisible(bool(text))
        self.outcome.show_message(text, role)

    def _words(self, found: CheckedConnection, recipe: Recipe) -> str:
        model = self.tr("model “{0}”").format(found.model) if found.model else ""
        context = ""
        if found.context is not None:
            context = self.tr("context of {0} tokens").format(f"{found.context:,}")
        if found.logprobs is None:
            names = ", ".join(f"“{pair.name}”" for pair in recipe.pairs)
            does = self.tr("tunes with the pairs of the recipe: {0}").format(names)
        elif found.logprobs == 1:
            does = self.tr("returns one log-probability for each token")
        else:
            does = self.tr("returns {0} log-probabilities for each token").format(
                f"{found.logprobs:,}"
            )
        parts = ", ".join(filter(None, (model, context, does)))
        return self.tr("The server answers: {0}.").format(parts)
