"""Bar that tells of a training that has ended, or offers one that was interrupted to go on."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.train.train_opener import show_training
from app.ui.train.verdict_words import short_verdict
from app.ui.widgets.elided_label import ElidedLabel


class TrainingBar(QFrame):
    """Names the training of ``session.trainings.notice``, until it is dismissed."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._trainings = session.trainings
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("Training"))
        self.text = ElidedLabel()
        self.go_on = QPushButton(self.tr("Go on"))
        self.go_on.clicked.connect(self._go_on)
        self.show_it = QPushButton(self.tr("Show"))
        self.show_it.clicked.connect(self._show)
        self.dismiss = QPushButton(self.tr("Dismiss"))
        self.dismiss.clicked.connect(lambda: self._trainings.dismiss_notice(put_off=True))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE // 2, SPACE, SPACE // 2)
        layout.setSpacing(SPACE)
        layout.addWidget(self.text, 1)
        for button in (self.go_on, self.show_it, self.dismiss):
            button.setAutoDefault(False)
            layout.addWidget(button)
        self._trainings.notice_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        record = self._trainings.notice
        self.setVisible(record is not None)
        if record is None:
            return
        if record.verdict:
            text = self.tr("The expert “{0}” is made. {1}.").format(
                record.plan.name, short_verdict(record.verdict)
            )
        elif record.error:
            text = self.tr("The training of “{0}” failed: {1}").format(
                record.plan.name, record.error.cause
            )
        else:
            text = self.tr("The training of “{0}” was interrupted.").format(record.plan.name)
        self.text.show_text(text)
        self.setAccessibleDescription(text)
        self.go_on.setVisible(record.can_go_on and record.error is None)

    def _go_on(self) -> None:
        self._trainings.take_up_notice()
        self._trainings.go_on()
        show_training(self._session, self)

    def _show(self) -> None:
        self._trainings.take_up_notice()
        show_training(self._session, self)
