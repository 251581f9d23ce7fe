"""Dialog that runs a list of prompts and shows the totals of each run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from PySide6.QtCore import QModelIndex, QSize, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.conversation import RunPrompt
from app.errors import TuneshiftError
from app.evaluation.prompt_list import prompts_of_lines, read_prompts
from app.evaluation.task_files import builtin_tasks, needs_data, task_file
from app.ui.compare.prompt_list_model import PROMPT, PromptListModel, SortedPrompts
from app.ui.history.exporting import ask_export, enable_formats, fill_menu
from app.ui.state.runs.prompt_list_runs import ListedState, PromptListRuns
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.empty_page import empty_page
from app.ui.widgets.export_bar import ExportBar
from app.ui.widgets.file_dialogs import ask_file
from app.ui.widgets.message_label import MessageLabel
from app.ui.widgets.number_table import NumberTable
from app.ui.widgets.saved_bar import SavedBar
from app.ui.widgets.tab_order import OrderedDialog
from app.ui.words.token_counts import token_count
from app.ui.words.unit_words import bits

_FRAME = QSize(24, 64)
"""Space for the window frame."""
_SIZE = QSize(1080, 620)


class PromptListDialog(OrderedDialog):
    """Dialog over a list of prompts, which goes on when the dialog is closed.

    Args:
        session: The session.
        runs: The list with its runs.
    """

    def __init__(
        self, session: Session, runs: PromptListRuns, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._runs = runs
        self.setWindowTitle(self.tr("Many prompts"))
        self.sorted = SortedPrompts(PromptListModel(runs, self))
        self.table = NumberTable(self.sorted, self.tr("Prompts and totals of their runs"), wide=0)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # the order of the list
        self.table.chosen.connect(self._open_index)
        self.table.selectionModel().selectionChanged.connect(self._update)
        self._make_source_buttons()
        self._make_run_buttons()
        self.message = MessageLabel()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Progress of the list"))
        self._lay_out()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - _FRAME))
        runs.changed.connect(self._update)
        runs.row_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        session.load_changed.connect(self._update)
        self._update()

    # Construction

    def _make_source_buttons(self) -> None:
        self.file = self._button(self.tr("Open a file …"), self._ask_file)
        self.file.setToolTip(
            self.tr("Add prompts: lines of text, JSON Lines, CSV, or a task (TOML)")
        )
        self.task = self._button(self.tr("Task ▾"))
        self.task.setToolTip(self.tr("Add the questions of a task"))
        menu = QMenu(self.task)
        for name in builtin_tasks():
            path = task_file(name)
            if path is not None and not needs_data(path):
                menu.addAction(name, partial(self.read, name))
        self.task.setMenu(menu)
        self.paste = self._button(self.tr("Paste lines"), self._paste)
        self.paste.setToolTip(self.tr("Add a prompt for each line of the clipboard (Ctrl+V)"))
        ViewKey.PASTE_LINES.shortcut(self, self._paste)
        self.clear = self._button(self.tr("Clear"), self._runs.clear)
        self.clear.setToolTip(self.tr("Empty the list; its runs stay in the history"))

    def _make_run_buttons(self) -> None:
        self.start = self._button(self.tr("Generate"), self._runs.start)
        self.start.setProperty("role", "primary")
        ViewKey.GENERATE_LIST.shortcut(self, self._runs.start)
        self.stop = self._button(self.tr("Stop"), self._runs.stop)
        self.stop.setToolTip(self.tr("Stop after the current token; what is left can go on later"))
        self.inspect = self._button(self.tr("Inspect"), self._inspect)
        self.inspect.setToolTip(self.tr("Show the selected run in the window (Enter)"))
        self.export = self._button(self.tr("Export ▾"))
        self.export.setToolTip(
            self.tr("Export the selected runs, or the tokens of all runs if none is selected")
        )
        self._formats = QMenu(self.export)
        fill_menu(self._formats, self._export)
        self.export.setMenu(self._formats)
        self.close_button = self._button(self.tr("Close"), self.close)

    def _button(self, text: str, slot: Callable[[], object] | None = None) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        if slot is not None:
            button.clicked.connect(lambda _=False: slot())
        return button

    def _lay_out(self) -> None:
        head, foot = QHBoxLayout(), QHBoxLayout()
        for row, widgets in (
            (head, (self.file, self.task, self.paste, self.clear)),
            (foot, (self.inspect, self.export, self.close_button)),
        ):
            row.setSpacing(SPACE)
            for widget in widgets:
                row.addWidget(widget)
        head.addStretch(1)
        head.addWidget(self.stop)
        head.addWidget(self.start)
        foot.insertWidget(0, self.message, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(
            empty_page(
                self.tr(
                    "Each prompt of a list is continued, or answered, by the models of the recipe, "
                    "and the table shows what tuning did to each.\n\nOpen a file with a prompt on "
                    "each line, choose a task, or paste lines."
                )
            )
        )
        self.pages.addWidget(self.table)
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.pages)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, SPACE + 4)
        layout.setSpacing(SPACE)
        layout.addLayout(head)
        layout.addWidget(self.progress)
        layout.addWidget(card, 1)
        layout.addWidget(ExportBar(self._session.history.exports))
        layout.addWidget(SavedBar(self._session.saved))
        layout.addLayout(foot)

    # The prompts

    def _ask_file(self) -> None:
        kinds = [
            self.tr("Prompts (*.txt *.jsonl *.json *.csv *.tsv *.toml)"),
            self.tr("All files (*)"),
        ]
        ask_file(self, self.tr("Open a list of prompts"), "", kinds, self.read)

    def read(self, name: str) -> None:
        """Add the prompts of a file or a task, which is read in the background."""
        self._session.history.background.run(
            self, lambda: read_prompts(name), self._take, self._refuse
        )

    def _paste(self) -> None:
        if self.paste.isEnabled():
            self._take(prompts_of_lines(QGuiApplication.clipboard().text()))

    def _take(self, prompts: Sequence[RunPrompt]) -> None:
        self._runs.add(prompts)
        if not self.table.chosen_rows() and self._runs.prompts:
            self.table.setFocus()

    def _refuse(self, error: TuneshiftError) -> None:
        self.message.show_message(str(error), "error")

    # The runs

    def _open_index(self, index: QModelIndex) -> None:
        run_id = self.sorted.at(index.row()).run_id
        if run_id:
            self._session.history.show(run_id)
            window = self.parentWidget()
            if window:
                window.activateWindow()

    def _inspect(self) -> None:
        rows = self.table.chosen_rows()
        if rows:
            self._open_index(self.sorted.index(rows[0], PROMPT))

    def chosen_ids(self) -> list[str]:
        """The ids of the selected runs, or of all if none is selected, without those to come."""
        rows = self.table.chosen_rows() or range(self.sorted.rowCount())
        return [listed.run_id for listed in map(self.sorted.at, rows) if listed.totals is not None]

    def _export(self, name: str) -> None:
        chosen = self.chosen_ids()
        if chosen:
            ask_export(self._session, chosen, name, self)

    # Content

    @Slot()
    def _update(self) -> None:
        runs, list_ = self._session.runs, self._runs
        total, states = len(list_.prompts), list_.totals.states
        self.pages.setCurrentIndex(1 if total else 0)
        self.progress.setVisible(list_.running)
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(states[ListedState.ENDED] + states[ListedState.FAILED])
        self.start.setVisible(not list_.running)
        self.start.setEnabled(bool(total) and not runs.running and not self._session.unfinished)
        self.start.setToolTip(
            self.tr("Generate a run for each prompt that has none (Ctrl+Enter)")
            if list_.left
            else self.tr("Generate all runs again (Ctrl+Enter)")
        )
        self.stop.setVisible(list_.running)
        for button in (self.file, self.task, self.paste, self.clear):
            button.setEnabled(not list_.running)
        self._enable_buttons()
        self.message.show_message(self._describe())

    def _enable_buttons(self) -> None:
        """Enable what is done with the selected runs, without a look at each row of the list."""
        places = self.table.selectionModel().selection().toList()
        selected = sum(place.height() for place in places)
        rows = (row for place in places for row in range(place.top(), place.bottom() + 1))
        if selected in (0, len(self._runs.prompts)):
            count = self._runs.totals.runs
        else:
            with_tokens = (row for row in rows if self.sorted.at(row).totals is not None)
            count = len(list(islice(with_tokens, 2)))  # one, or more than one
        one = places[0].top() if selected == 1 else None
        self.inspect.setEnabled(one is not None and bool(self.sorted.at(one).run_id))
        self.export.setEnabled(count > 0)
        enable_formats(self._formats, count)

    def _describe(self) -> str:
        found, total = self._runs.totals, len(self._runs.prompts)
        done, failed = found.states[ListedState.ENDED], found.states[ListedState.FAILED]
        parts = [self.tr("{0} of {1} prompts").format(f"{done:,}", f"{total:,}")] if total else []
        if failed:
            parts.append(self.tr("{0} failed").format(f"{failed:,}"))
        if found.tokens:
            parts += [
                token_count(found.tokens),
                self.tr("mean shift {0}").format(bits(found.shift / found.tokens, sign=True)),
                self.tr("flips {0}").format(f"{found.flips / found.tokens:.0%}"),
            ]
        return " · ".join(parts)


def show_prompt_list(session: Session, runs: PromptListRuns, parent: QWidget) -> None:
    """Open or raise the dialog."""
    show_once(
        parent,
        PromptListDialog,
        "prompt list",
        lambda above: PromptListDialog(session, runs, above),
    )
