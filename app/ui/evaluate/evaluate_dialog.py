"""The evaluation dialog: setup on the left; scores, questions, tokens and past ones right."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.status import LoadProgress
from app.ui.evaluate.past_view import PastView
from app.ui.evaluate.questions_view import QuestionsView
from app.ui.evaluate.results_view import ResultsView
from app.ui.evaluate.score_figures import view_title
from app.ui.evaluate.setup_form import SetupForm
from app.ui.evaluate.tokens_view import TokensView
from app.ui.state.records.evaluation import Answering, Evaluation, Stage
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.message_label import MessageLabel
from app.ui.widgets.tab_order import OrderedDialog
from app.wording import duration

_SIZE = QSize(1160, 680)
_FRAME = QSize(24, 64)
"""Pixels for the frame that the window manager draws around a dialog."""
_FORM_WIDTH = 316
_REFRESH_MS, _ROWS_MS = 300, 1500
"""Milliseconds between updates of the scores and of the rows of questions."""


class EvaluateDialog(OrderedDialog):
    """Controls ``session.evaluations``; does not block the window."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluations = session.evaluations
        self._shown: Evaluation | None = None
        self.setWindowTitle(self.tr("Evaluate"))
        self.form = SetupForm(session.history.background)
        self.form.show_recipe(session.recipe)
        self.form.restore(self._evaluations.form)
        self.results, self.tokens = ResultsView(), TokensView()
        self.questions = QuestionsView(session)
        self.past = PastView(self._evaluations)
        self._refresh = QTimer(self, interval=_REFRESH_MS, singleShot=True)
        self._refresh.timeout.connect(self._show_all)
        self._make_head()
        self._make_buttons()
        self._lay_out()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - _FRAME))
        self.form.changed.connect(self._on_form)
        # The dialog covers the window that shows the answer; reopening restores its state.
        self.questions.inspected.connect(self.close)
        self._evaluations.opened.connect(lambda: self.tabs.setCurrentWidget(self.results))
        self._evaluations.changed.connect(self._on_changed)
        self._evaluations.progressed.connect(self._on_progress)
        self._evaluations.ticked.connect(self._update)
        session.recipe_changed.connect(self._on_recipe)
        session.alphas_changed.connect(self._update)
        session.load_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._on_changed()
        if self._evaluations.last_question is None:
            self.form.tasks.tasks.setFocus()
        else:
            self.tabs.setCurrentWidget(self.questions)
            self.questions.table.setFocus()

    # Construction

    def _make_head(self) -> None:
        self._recipe = ElidedLabel()
        self._recipe.setProperty("role", "section")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Progress of the evaluation"))
        self.message = MessageLabel()

    def _make_buttons(self) -> None:
        self.start = QPushButton(self.tr("Evaluate"))
        self.start.setProperty("role", "primary")
        self.start.setToolTip(
            self.tr("Evaluate the checked roles on the checked tasks (Ctrl+Enter)")
        )
        self.start.clicked.connect(self._start)
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setToolTip(self.tr("Stop the evaluation; the answers so far are kept"))
        self.stop.clicked.connect(self._evaluations.stop)
        self.resume = QPushButton(self.tr("Resume"))
        self.resume.setToolTip(self.tr("Continue the stopped evaluation"))
        self.resume.clicked.connect(self._resume)
        self._missing = QLabel()
        self._missing.setProperty("role", "caption")
        self._missing.setWordWrap(True)
        for button in (self.start, self.stop, self.resume):
            button.setAutoDefault(False)
        ViewKey.EVALUATE.shortcut(self, self._start)

    def _lay_out(self) -> None:
        area = QScrollArea()
        area.setWidget(self.form)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot = QFrame()
        foot.setProperty("role", "foot")
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.start, 1)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.resume)
        below = QVBoxLayout(foot)
        below.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE + 4)
        below.setSpacing(SPACE)
        below.addWidget(self._missing)
        below.addLayout(buttons)
        left = QFrame()
        left.setProperty("role", "card")
        left.setFixedWidth(_FORM_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(1, SPACE // 2, 1, 1)
        column.setSpacing(0)
        column.addWidget(area, 1)
        column.addWidget(foot)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setExpanding(False)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(self.results, self.tr("Scores"))
        self.tabs.addTab(self.questions, self.tr("Questions"))
        self.tabs.addTab(self.tokens, self.tr("Tokens"))
        self.tabs.addTab(self.past, self.tr("Past"))
        self.tabs.currentChanged.connect(lambda _: self._show_all())
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.tabs)
        right = QVBoxLayout()
        right.setSpacing(SPACE // 2)
        right.addWidget(self._recipe)
        right.addWidget(self.message)
        right.addWidget(self.progress)
        right.addSpacing(SPACE // 2)
        right.addWidget(card, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(left)
        layout.addLayout(right, 1)

    # User actions

    def _start(self) -> None:
        if self.start.isEnabled():
            self.tabs.setCurrentWidget(self.results)
            self._evaluations.start(self.form.plan())

    def _resume(self) -> None:
        self._evaluations.resume(allow_code=self.form.allow_code.isChecked())

    # Content

    def _on_form(self) -> None:
        self._evaluations.form = self.form.remembered()
        self._update()

    def _on_recipe(self) -> None:
        self.form.show_recipe(self._session.recipe)
        self._update()

    def _on_changed(self) -> None:
        current = self._evaluations.current
        if current is not self._shown:
            self._shown = current
            if current and not current.active:  # a past evaluation
                self.form.show_plan(current.plan)
        self._update()
        self._show_all()

    def _on_progress(self) -> None:
        self._update()
        if not self._refresh.isActive():
            rows = self.tabs.currentWidget() is self.questions
            self._refresh.start(_ROWS_MS if rows else _REFRESH_MS)

    def _show_all(self) -> None:
        """Update the current tab only; the other tabs are updated when they are opened."""
        current, page = self._evaluations.current, self.tabs.currentWidget()
        if page is self.results:
            found = current.results() if current else []
            self.results.show_results(found, self._empty(current))
        elif page is self.questions:
            self.questions.show_evaluation(current)
        elif page is self.tokens:
            self.tokens.show_evaluation(current)
        else:
            self.past.refresh()

    def _empty(self, current: Evaluation | None) -> str:
        if current and current.active:
            return self.tr("Waiting for the first answers …")
        if current and current.stage is Stage.FAILED:
            return self.tr("There are no answers.")
        if current and current.stage is Stage.STOPPED:
            return self.tr(
                "There are no saved scores. Resume reads the saved answers and continues."
            )
        return self.tr(
            "Measure what tuning brings: check tasks and roles on the left and press Evaluate. "
            "Every role answers the same questions."
        )

    def _update(self) -> None:
        evaluations, current = self._evaluations, self._evaluations.current
        running = evaluations.running
        # What is missing is skipped while running: it reads files.
        missing = "" if running else self._served() or self.form.missing
        self._missing.setText(missing)
        self._missing.setVisible(bool(missing))
        self.form.setEnabled(not running)
        self.start.setEnabled(not running and not missing)
        self.start.setVisible(not running)
        self.stop.setVisible(running)
        self.resume.setVisible(
            current is not None
            and current.stage in (Stage.STOPPED, Stage.FAILED)
            and bool(current.prepared or current.found)
        )
        recipe = current.recipe if current else self._session.recipe
        alphas = ", ".join(f"{alpha:g}" for alpha in recipe.alphas).replace("-", "−")
        self._recipe.show_text(self.tr("{0}, α {1}").format(recipe.name, alphas))
        self.progress.setVisible(running)
        if current:
            self.progress.setMaximum(current.total)
            self.progress.setValue(current.done if current.total else 0)
        text, role = self._describe(current)
        self.message.show_message(text, role)

    def _served(self) -> str:
        """Why the recipe cannot be evaluated here, if its models are on a server."""
        if not self._session.recipe.base.tuned:
            return ""
        return self.tr(
            "This recipe is tuned on a server. Evaluate it in the terminal, which asks many things "
            "at once: tuneshift eval --recipe FILE --tasks TASK --roles base,tuned"
        )

    def _describe(self, current: Evaluation | None) -> tuple[str, str]:
        if current is None:
            return self.tr("No evaluation yet."), "caption"
        if self._evaluations.stopping:
            return self.tr("Stopping …"), "caption"
        if current.stage is Stage.WAITING:
            loading = self._session.load_state in (LoadState.LOADING, LoadState.STARTING)
            waits = self.tr("Waiting for the models …") if loading else self.tr("Reading tasks …")
            return self._describe_step(current) or waits, "caption"
        if current.stage is Stage.RUNNING:
            return self._describe_progress(current), "caption"
        if current.error:
            return str(current.error), "error"
        if current.stage is Stage.STOPPED:
            return self.tr("Stopped; the answers so far are kept. Resume continues."), "caption"
        return self.tr("Complete. The answers are saved in {0}").format(current.folder), "caption"

    def _describe_progress(self, current: Evaluation) -> str:
        done = self.tr("{0} of {1} answers").format(f"{current.done:,}", f"{current.total:,}")
        parts = [self._describe_step(current), done if current.total else ""]
        left = current.seconds_left
        if left is not None and current.done < current.total:
            parts.append(self.tr("{0} left").format(duration(left)))
        return " · ".join(part for part in parts if part)

    def _describe_step(self, current: Evaluation) -> str:
        progress = current.told
        if isinstance(progress, LoadProgress):
            if progress.proving:
                return self.tr("verifying the {0}").format(progress.role)
            share = progress.done / max(progress.total, 1)
            return self.tr("loading the {0}: {1}").format(progress.role, f"{share:.0%}")
        if isinstance(progress, Answering):
            return self.tr("{0}, {1}").format(progress.task, view_title(progress.view))
        return progress

    # Events

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 — Qt's name
        super().showEvent(event)
        self._show_all()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 — Qt's name
        self._refresh.stop()
        super().closeEvent(event)
