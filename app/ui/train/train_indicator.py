"""The indicator of a training in the status bar, visible while the training runs."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QWidget

from app.ui.state.session import Session
from app.ui.state.training.training_record import TrainingStage
from app.ui.train.train_opener import show_training
from app.wording import duration


class TrainIndicator(QPushButton):
    """Shows how far the training is; opens its dialog."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trainings = session.trainings
        self.setProperty("role", "link")
        self.setToolTip(self.tr("An expert is being made. Click to see its course."))
        self.clicked.connect(lambda: show_training(session, self))
        self._trainings.changed.connect(self._update)
        self._trainings.progressed.connect(self._update)
        self._update()

    def _update(self) -> None:
        record = self._trainings.current
        self.setVisible(self._trainings.running)
        if not self._trainings.running:
            return
        if record is None or not record.active:
            text = self.tr("Training: starting …")
        elif record.stage is TrainingStage.PAUSED:
            text = self.tr("Training: paused")
        elif record.stage is TrainingStage.JUDGING:
            text = self.tr("Judging: {0}").format(f"{record.share:.0%}")
        elif record.seconds_left is None:
            text = self.tr("Training: {0}").format(f"{record.share:.0%}")
        else:
            text = self.tr("Training: {0}, {1} left").format(
                f"{record.share:.0%}", duration(record.seconds_left)
            )
        self.setText(text)
