"""The indicator of an evaluation in the status bar, visible while the evaluation runs."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from app.ui.evaluate.evaluate_opener import show_evaluate
from app.ui.state.session import Session
from app.wording import duration


class EvaluateIndicator(QPushButton):
    """Shows the progress of the evaluation; opens the evaluation dialog."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._evaluations = session.evaluations
        self.setProperty("role", "link")
        self.setToolTip(self.tr("An evaluation is running. Click to see its scores."))
        self.clicked.connect(lambda: show_evaluate(session, self))
        self._evaluations.changed.connect(self._update)
        self._evaluations.progressed.connect(self._update)
        self._evaluations.ticked.connect(self._update)
        self._update()

    def _update(self) -> None:
        current = self._evaluations.current
        self.setVisible(self._evaluations.running)
        if current is None or not self._evaluations.running:
            return
        if not current.total:
            self.setText(self.tr("Evaluating"))
            return
        share, left = f"{current.done / current.total:.0%}", current.seconds_left
        self.setText(
            self.tr("Evaluating: {0}").format(share)
            if left is None
            else self.tr("Evaluating: {0}, {1} left").format(share, duration(left))
        )
