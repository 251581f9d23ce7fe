"""Banner that shows an error, its next step, and buttons that resolve it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.models.missing_models import MissingModels
from app.ui.state.session import Session
from app.ui.theme import SPACE, set_role
from app.ui.widgets.message_label import MessageLabel

_LONGEST_NAME = 28


class ProblemBanner(QFrame):
    """Error message above the prompt, visible while the session has a problem.

    Its buttons download missing models, or go back to the recipe that was loaded before.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._missing = MissingModels(session, self)
        self.setProperty("role", "problem")
        self.setAccessibleName(self.tr("Problem"))
        self._text = MessageLabel()
        self._warning = MessageLabel()
        self.download = QPushButton()
        self.download.clicked.connect(self._missing.go_on)
        self.back = QPushButton()
        self.back.clicked.connect(self._go_back)
        self._copy = QPushButton(self.tr("Copy details"))
        self._copy.clicked.connect(self._on_copy)
        self._dismiss = QPushButton(self.tr("Dismiss"))
        self._dismiss.clicked.connect(session.clear_problem)
        self._lay_out()
        session.problem_changed.connect(self._update)
        session.load_changed.connect(self._update_offers)
        session.runs.run_changed.connect(self._update_offers)
        self._missing.changed.connect(self._update_offers)
        self._update()

    def _lay_out(self) -> None:
        said = QHBoxLayout()
        said.setSpacing(SPACE)
        said.addWidget(self._text, 1)
        for button in (self._copy, self._dismiss):
            said.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        offers = QHBoxLayout()
        offers.setSpacing(SPACE)
        offers.addWidget(self.download)
        offers.addWidget(self.back)
        offers.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE)
        layout.addLayout(said)
        layout.addWidget(self._warning)
        layout.addLayout(offers)

    def _update(self) -> None:
        problem = self._session.problem
        self._text.show_message(str(problem.error) if problem else "", role="")
        self.setAccessibleDescription(self._text.message)
        self._update_offers()
        self.setVisible(problem is not None)

    def _update_offers(self) -> None:
        missing, previous = self._missing, self._session.previous
        self.download.setVisible(bool(missing.offer))
        self.download.setEnabled(not missing.busy)
        self.download.setText(missing.busy or missing.offer)
        set_role(self.download, "" if missing.warning else "primary")
        self._warning.show_message(missing.warning, role="")
        self._warning.setVisible(bool(missing.warning))
        self.back.setVisible(previous is not None)
        self.back.setEnabled(self._session.editable)
        if previous:
            self.back.setText(self.tr("Back to {0}").format(_short(previous.name)))
            self.back.setToolTip(self.tr("Load the recipe “{0}” again").format(previous.name))

    def _go_back(self) -> None:
        previous = self._session.previous
        if previous:
            self._session.open_recipe(previous)

    def _on_copy(self) -> None:
        problem = self._session.problem
        if problem:
            text = "\n\n".join(part for part in (str(problem.error), problem.details) if part)
            QGuiApplication.clipboard().setText(text)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
