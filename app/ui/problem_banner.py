"""The line that says what went wrong and what to do next."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.ui.session import Session
from app.ui.theme import SPACE


class ProblemBanner(QFrame):
    """Shown above the prompt while the session has a problem; its details can be copied."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setProperty("role", "problem")
        self.setAccessibleName(self.tr("Problem"))
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(self._text.textInteractionFlags().TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        copy = QPushButton(self.tr("Copy details"))
        copy.clicked.connect(self._copy)
        dismiss = QPushButton(self.tr("Dismiss"))
        dismiss.clicked.connect(session.clear_problem)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self._text, 1)
        layout.addWidget(copy)
        layout.addWidget(dismiss)
        session.problem_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        problem = self._session.problem
        self.setVisible(problem is not None)
        self._text.setText(str(problem.error) if problem else "")
        self.setAccessibleDescription(self._text.text())

    def _copy(self) -> None:
        problem = self._session.problem
        if problem:
            text = "\n\n".join(part for part in (str(problem.error), problem.details) if part)
            QGuiApplication.clipboard().setText(text)
