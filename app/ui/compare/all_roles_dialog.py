"""Dialog that compares the answers of each role alone and of the tuned models to one prompt."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.conversation import RunPrompt, last_message
from app.ui.compare.role_column import RoleColumn
from app.ui.state.runs.run import Run
from app.ui.state.session import LoadState, Session
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.tab_order import OrderedDialog
from app.wording import visible

_FRAME = QSize(24, 64)
"""Space for the window frame."""
_SIZE = QSize(1180, 560)


class AllRolesDialog(OrderedDialog):
    """Dialog with a column for each role; the answers are runs of the window."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._runs = session.runs
        self._prompt: RunPrompt = ""
        self.columns: list[RoleColumn] = []
        self.setWindowTitle(self.tr("Compare all roles"))
        self._asked = ElidedLabel()
        self.ask = QPushButton(self.tr("Generate again"))
        self.ask.setToolTip(
            self.tr(
                "Generate an answer to the prompt with the tuned models and with each role alone"
            )
        )
        self.ask.clicked.connect(lambda: self.start(session.prompt))
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setToolTip(self.tr("Stop all roles; the tokens generated so far are kept (Esc)"))
        self.stop.clicked.connect(session.runs.stop)
        self.close_button = QPushButton(self.tr("Close"))
        self.close_button.clicked.connect(self.accept)
        self.message = QLabel()
        self.message.setProperty("role", "caption")
        self.message.setWordWrap(True)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(SPACE)
        self._lay_out()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - _FRAME))
        ViewKey.ASK_ALL.shortcut(self, lambda: self.start(session.prompt))
        session.runs.generation.progressed.connect(self._on_progress)
        session.runs.replaced.connect(self._on_replaced)
        session.runs.run_changed.connect(self._update)
        session.load_changed.connect(self._update)
        self._update()

    def _lay_out(self) -> None:
        page = QWidget()
        page.setLayout(self._row)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE)
        foot.addWidget(self.message, 1)
        for button in (self.stop, self.ask, self.close_button):
            button.setAutoDefault(False)
            foot.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(SPACE + 4)
        layout.addWidget(self._asked)
        layout.addWidget(area, 1)
        layout.addLayout(foot)

    # Start

    def open_for(self, prompt: RunPrompt) -> None:
        """Generate answers to ``prompt``, unless the dialog has them already."""
        if not self.columns or prompt != self._prompt:
            self.start(prompt)

    def start(self, prompt: RunPrompt) -> None:
        """Generate the answers of all roles; does nothing while a run is active."""
        if self._runs.running:
            self._update()
            return
        answers = self._runs.generate_all_roles(prompt)
        if answers:
            self._prompt = prompt
            self._asked.show_text(visible(last_message(prompt)))
            self._show(answers)
        self._update()

    def _show(self, answers: list[Run]) -> None:
        for column in self.columns:
            self._row.removeWidget(column)
            column.hide()
            column.deleteLater()
        self.columns = []
        places: list[int | None] = [*range(len(answers) - 1), None]
        for run in dict.fromkeys(answers):
            roles = [place for place, other in zip(places, answers, strict=True) if other is run]
            column = RoleColumn(run, roles)
            column.inspect_requested.connect(self._inspect)
            self.columns.append(column)
            self._row.addWidget(column, 1)

    # Content

    def _on_progress(self, run: Run) -> None:
        for column in self.columns:
            if column.run is run:
                column.update_text()

    def _on_replaced(self, before: Run, after: Run) -> None:
        for column in self.columns:
            if column.run is before:
                column.take(after)

    def _update(self) -> None:
        running = self._runs.running
        self.stop.setEnabled(running)
        self.ask.setEnabled(not running)
        self.message.setText(self._describe())
        for column in self.columns:
            column.update_text()

    def _describe(self) -> str:
        answers = [column.run for column in self.columns]
        ended = sum(not run.active for run in answers)
        problem = self._session.problem
        if problem and (not answers or any(run.failed for run in answers)):
            return str(problem.error)
        if not answers and self._runs.running:
            return self.tr("Another run is being generated. Stop it first.")
        if not answers:
            return ""
        if ended < len(answers) and self._session.load_state is not LoadState.LOADED:
            return self.tr("Waiting for the models …")
        if ended < len(answers):
            return self.tr("{0} of {1} have answered.").format(ended, len(answers))
        return self.tr("All roles sampled with the same settings and the same noise.")

    def _inspect(self, run: Run) -> None:
        if run in self._runs.all:
            self._runs.show(run)
        elif run in self._runs.removed:
            self._runs.restore(run)
        else:  # the run was removed
            self._session.history.show(self._session.history.id_of(run))
        window = self.parentWidget()
        if window:
            window.activateWindow()

    def reject(self) -> None:
        """Stop the active runs; without any, close the dialog."""
        if self.stop.isEnabled() and any(column.run.active for column in self.columns):
            self._runs.stop()
        else:
            super().reject()


def show_all_roles(session: Session, parent: QWidget, prompt: RunPrompt) -> None:
    """Open or raise the dialog, and generate answers to ``prompt``."""
    dialog = show_once(
        parent, AllRolesDialog, "all roles", lambda above: AllRolesDialog(session, above)
    )
    dialog.open_for(prompt)
