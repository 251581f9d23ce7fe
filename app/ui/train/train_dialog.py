"""The dialog that makes an expert: data, models and settings left; what comes of them right."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.ui.state.session import Session
from app.ui.state.training.expert_assistant import ExpertAssistant
from app.ui.state.training.form_values import FormValues, values_of_plan
from app.ui.state.training.training_record import TrainingRecord, TrainingStage
from app.ui.theme import SPACE, set_role
from app.ui.train.course_view import CourseView
from app.ui.train.data_preview import DataPreview
from app.ui.train.past_trainings import PastTrainings
from app.ui.train.tour_words import TOUR_BASE, TOUR_DATA, TOUR_SMALL, tour_words
from app.ui.train.train_form import TrainForm
from app.ui.train.train_words import progress_words, settings_words
from app.ui.train.verdict_view import VerdictView
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.message_label import MessageLabel
from app.ui.widgets.tab_order import OrderedDialog

_SIZE = QSize(1160, 680)
_FRAME = QSize(24, 64)
"""Pixels for the frame that the window manager draws around a dialog."""

_FORM_WIDTH = 316
_PERMILLE = 1000
_TYPING_MS, _REFRESH_MS = 400, 300
"""Pauses before typed values are read, and between updates of the plot."""


class TrainDialog(OrderedDialog):
    """Controls ``session.trainings``; does not block the window."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._trainings = session.trainings
        self._assistant = ExpertAssistant(session.recipe, session.settings, self)
        self._shown: TrainingRecord | None = None
        self._stage: TrainingStage | None = None
        self._tour: TrainingRecord | None = None
        self._on_tour = False
        self.setWindowTitle(self.tr("Make an expert"))
        self.setAcceptDrops(True)
        self.form = TrainForm(self._assistant, session.settings.model_folder)
        self.preview, self.course, self.verdict = DataPreview(), CourseView(), VerdictView()
        self.past = PastTrainings(self._trainings)
        self._typed = QTimer(self, interval=_TYPING_MS, singleShot=True)
        self._refresh = QTimer(self, interval=_REFRESH_MS, singleShot=True)
        self._make_head()
        self._make_buttons()
        self._lay_out()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - _FRAME))
        self._connect()
        self.form.show_values(self._trainings.form)
        self._assistant.show_models(session.local_models.models)
        session.local_models.search()
        self._trainings.refresh()
        self._on_changed()
        self.form.data.setFocus()

    # Construction

    def _make_head(self) -> None:
        self.tour = MessageLabel()
        self.tour.setVisible(False)
        self._name = ElidedLabel()
        self._name.setProperty("role", "section")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setMaximum(_PERMILLE)
        self.progress.setAccessibleName(self.tr("Progress of the training"))
        self.message = MessageLabel()

    def _make_buttons(self) -> None:
        trainings = self._trainings
        self.start = QPushButton(self.tr("Make the e&xpert"))
        self.start.setProperty("role", "primary")
        self.start.clicked.connect(self._start)
        self.pause = QPushButton(self.tr("&Pause"))
        self.pause.setToolTip(self.tr("Wait after this step; the memory stays taken"))
        self.pause.clicked.connect(trainings.pause)
        self.go_on = QPushButton(self.tr("&Go on"))
        self.go_on.setProperty("role", "primary")
        self.go_on.clicked.connect(trainings.go_on)
        self.stop = QPushButton(self.tr("S&top, keep the best"))
        self.stop.setToolTip(
            self.tr("End the training now, and judge the weights with the lowest held-out loss")
        )
        self.stop.clicked.connect(trainings.stop)
        self.cancel = QPushButton(self.tr("&Cancel"))
        self.cancel.setToolTip(self.tr("End now without a verdict; it can go on another time"))
        self.cancel.clicked.connect(trainings.cancel)
        self._missing = MessageLabel()
        for button in (self.start, self.pause, self.go_on, self.stop, self.cancel):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        area = QScrollArea()
        area.setWidget(self.form)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        left = QFrame()
        left.setProperty("role", "card")
        left.setFixedWidth(_FORM_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(1, SPACE // 2, 1, 1)
        column.setSpacing(0)
        column.addWidget(area, 1)
        column.addWidget(self._foot())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(left)
        layout.addLayout(self._right(), 1)

    def _foot(self) -> QFrame:
        foot = QFrame()
        foot.setProperty("role", "foot")
        below = QVBoxLayout(foot)
        below.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE + 4)
        below.setSpacing(SPACE // 2)
        below.addWidget(self._missing)
        below.addWidget(self.start)
        below.addWidget(self.go_on)
        below.addWidget(self.stop)
        ends = QHBoxLayout()
        ends.setSpacing(SPACE // 2)
        ends.addWidget(self.pause, 1)
        ends.addWidget(self.cancel, 1)
        below.addLayout(ends)
        return foot

    def _right(self) -> QVBoxLayout:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setExpanding(False)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(self.preview, self.tr("Data"))
        self.tabs.addTab(self.course, self.tr("Training"))
        self.tabs.addTab(self.verdict, self.tr("Verdict"))
        self.tabs.addTab(self.past, self.tr("Past"))
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.tabs)
        right = QVBoxLayout()
        right.setSpacing(SPACE // 2)
        for widget in (self.tour, self._name, self.message, self.progress):
            right.addWidget(widget)
        right.addSpacing(SPACE // 2)
        right.addWidget(card, 1)
        return right

    def _connect(self) -> None:
        trainings = self._trainings
        self.form.changed.connect(self._on_form)
        self.form.search_wanted.connect(
            lambda folder: self._session.local_models.search([Path(folder)])
        )
        self._typed.timeout.connect(self._prepare)
        self._refresh.timeout.connect(self._show_course)
        self.verdict.use_wanted.connect(self._use)
        self.verdict.folder_wanted.connect(self._show_folder)
        trainings.changed.connect(self._on_changed)
        trainings.progressed.connect(self._on_progress)
        trainings.prepared.connect(self._update)
        self._session.local_models.changed.connect(self._on_models)
        self._session.runs.run_changed.connect(self._update)
        self._session.recipe_changed.connect(self._on_recipe)

    # User actions

    def show_data(self, data: Path) -> None:
        """Take a folder or file as the data, with the other fields as they are."""
        if not self._trainings.running:
            self._on_tour = False
            self.form.data.setText(str(data))
            self.tabs.setCurrentWidget(self.preview)

    def choose_base(self, source: str) -> None:
        """Choose the base, unless a training runs."""
        if not self._trainings.running:
            self._assistant.choose_base(source)

    def begin_tour(self) -> None:
        """Show the way with data and models that ship with the program."""
        if self._trainings.running:
            return
        self._on_tour, self._tour = True, None
        self.form.show_values(FormValues(TOUR_DATA, TOUR_BASE, TOUR_SMALL))
        self.tabs.setCurrentWidget(self.preview)
        self._prepare()

    def _start(self) -> None:
        if self.start.isEnabled():
            self._trainings.start()

    def _use(self) -> None:
        if self._trainings.use():
            self.close()

    def _show_folder(self) -> None:
        if record := self._trainings.current:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(record.folder.path)))

    # Content

    def _on_form(self) -> None:
        self._trainings.form = self.form.values()
        self._show_missing(self._trainings.running)
        if self._trainings.running or self.form.request() == self._trainings.request:
            return
        self._trainings.prepare(None)
        self._typed.start()

    def _on_recipe(self) -> None:
        if not self._trainings.running:  # else the form shows what is being trained
            self._assistant.show_recipe(self._session.recipe)

    def _on_models(self) -> None:
        if not self._session.local_models.searching:
            self._assistant.show_models(self._session.local_models.models)

    def _prepare(self) -> None:
        self._typed.stop()
        request = self.form.request()
        if not self._trainings.running and request != self._trainings.request:
            self._trainings.prepare(request)
        self._update()

    def _on_changed(self) -> None:
        record = self._trainings.current
        stage = record.stage if record else None
        if (record, stage) != (self._shown, self._stage):
            self._turn_to(record, stage)
            self._shown, self._stage = record, stage
        if self.isVisible():
            self._trainings.dismiss_notice()
        if self._on_tour and self._trainings.running and record:
            self._tour = record
        self._show_plan(record)
        if not self._trainings.running:
            self._on_recipe()
            self._on_form()  # a field or the search may have ended with other values meanwhile
        self._update()
        self._show_course()

    def _show_plan(self, record: TrainingRecord | None) -> None:
        """Show what is trained, where an earlier session began it and the form says nothing."""
        unknown = self._trainings.running and not self.form.data.text()
        if unknown and record and record.plan.name != self.form.name.text():
            self.form.show_values(values_of_plan(record.plan))
        self.form.name_data(record.plan.data if unknown and record else "")

    def _turn_to(self, record: TrainingRecord | None, stage: TrainingStage | None) -> None:
        """Show the tab that suits a new stage."""
        if record is None:
            return
        if stage is TrainingStage.JUDGED:
            self.tabs.setCurrentWidget(self.verdict)
        elif record is not self._shown or stage is TrainingStage.LOADING:
            self.tabs.setCurrentWidget(self.course)

    def _on_progress(self) -> None:
        self._update()
        if not self._refresh.isActive():
            self._refresh.start()

    def _show_course(self) -> None:
        self.course.show_record(self._trainings.current)

    def _update(self) -> None:
        trainings, record = self._trainings, self._trainings.current
        running = trainings.running
        stage = record.stage if record and running else None
        focused = self.focusWidget()
        self.form.setEnabled(not running)
        self.start.setVisible(not running)
        self.start.setEnabled(trainings.can_start)
        self.pause.setVisible(stage in (TrainingStage.LOADING, TrainingStage.TRAINING))
        self.pause.setEnabled(stage is TrainingStage.TRAINING)
        self.stop.setVisible(stage in (TrainingStage.TRAINING, TrainingStage.PAUSED))
        self.cancel.setVisible(running and record is not None and record.active)
        interrupted = not running and record is not None and record.can_go_on
        self.go_on.setVisible(stage is TrainingStage.PAUSED or interrupted)
        set_role(self.start, "" if interrupted else "primary")
        self._show_missing(running)
        self._show_preview()
        self._show_progress(record, running)
        self.verdict.show_verdict(
            record.verdict if record else None,
            record.trained if record else None,
            editable=self._session.editable,
        )
        self.tour.setVisible(self._on_tour)
        if self._on_tour:
            self.tour.show_message(tour_words(trainings, self._tour), "section")
        self._keep_focus(focused)

    def _keep_focus(self, focused: QWidget | None) -> None:
        """Give the focus to the tabs where the widget that had it is gone or disabled.

        Pause and Go on take it from each other. Qt would give it to the next button, so that the
        space bar would stop what it has just paused.

        Args:
            focused: What had the focus before widgets were shown and hidden.
        """
        if focused and focused.isVisibleTo(self) and focused.isEnabled():
            return
        pairs: dict[QWidget | None, QWidget] = {self.pause: self.go_on, self.go_on: self.pause}
        other = pairs.get(focused)
        if other is None or other.isHidden() or not other.isEnabled():
            other = self.tabs.tabBar()
        other.setFocus()

    def _show_missing(self, running: bool) -> None:
        prepared = self._trainings.preparation
        text, role = "", "caption"
        if not running:
            text = self.form.missing
            if prepared:
                text = settings_words(prepared)
                role = "caption" if prepared.fits else "error"
        self._missing.show_message(text, role)
        self._missing.setVisible(bool(text))

    def _show_preview(self) -> None:
        trainings = self._trainings
        if trainings.preparation:
            self.preview.show_preparation(trainings.preparation)
        elif trainings.problem:
            self.preview.show_text(str(trainings.problem))
        elif trainings.preparing or self._typed.isActive():
            self.preview.show_text(self.tr("Reading the data …"))
        else:
            self.preview.show_text(
                self.tr(
                    "Give some of your own texts: a folder with .txt or .md files, JSON lines or a "
                    "table with “text”, with “prompt” and “answer”, or with “messages”. A small "
                    "model learns them on this machine, and is then judged on texts that it has "
                    "not seen. Nothing leaves the machine."
                )
            )

    def _show_progress(self, record: TrainingRecord | None, running: bool) -> None:
        self._name.show_text(record.plan.name if record else self.tr("No training yet"))
        text = progress_words(record) if record else ""
        if running and (record is None or not record.active):
            text = self.tr("Starting …")
        failed = record is not None and record.stage is TrainingStage.FAILED
        self.message.show_message(text, "error" if failed and not running else "caption")
        self.message.setVisible(bool(text))
        self.progress.setVisible(running)
        self.progress.setValue(round(_PERMILLE * record.share) if record else 0)

    # Events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 — Qt's name
        if event.mimeData().hasUrls() and not self._trainings.running:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 — Qt's name
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if len(paths) == 1:
            self.show_data(Path(paths[0]))
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 — Qt's name
        self._leave()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        self._leave()
        super().done(result)

    def _leave(self) -> None:
        """End what only this dialog needs."""
        self._typed.stop()
        self._refresh.stop()
        self._trainings.prepare(None)
        self._session.local_models.cancel()
