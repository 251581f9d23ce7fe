"""The list of tasks: shipped tasks, the user's files and tasks of lm-evaluation-harness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.evaluation.harness_tasks import PREFIX, harness_names, is_installed
from app.evaluation.task_files import builtin_tasks, metric_of, needs_data, task_file, task_name
from app.evaluation.tasks import Metric
from app.extras import install_hint
from app.ui.state.background import Background
from app.ui.theme import SPACE
from app.ui.widgets.file_dialogs import ask_file
from app.ui.widgets.row_table import RowDelegate

_TASK = Qt.ItemDataRole.UserRole
_ROWS = 5
_MOST_FOUND = 12


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task in the list.

    Attributes:
        name: The name of the task in a plan: a name, or a file.
        path: The file of a local task, or None for a task of the harness.
    """

    name: str
    path: Path | None

    @property
    def title(self) -> str:
        """The display name of the task."""
        if self.path:
            return task_name(self.path)
        return Path(self.name).name if self.name.endswith((".yaml", ".yml")) else self.name


class _Tasks(QListWidget):
    """Shows the tasks; the Delete key removes a task that the user added."""

    removing = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        if event.key() == Qt.Key.Key_Delete:
            self.removing.emit()
        else:
            super().keyPressEvent(event)


class TaskList(QWidget):
    """Lets the user check tasks and choose the data file of the selected task.

    Args:
        background: Reads the names of the harness's tasks.
    """

    changed = Signal()
    """The checked tasks or a data file changed."""

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._asked_names = False
        self._data: dict[str, str] = {}
        self.tasks = _Tasks()
        self.tasks.setAccessibleName(self.tr("Tasks"))
        self.tasks.setItemDelegate(RowDelegate(self.tasks))
        self.tasks.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        line = self.tasks.fontMetrics().height() + SPACE
        self.tasks.setFixedHeight(_ROWS * line + SPACE)
        self.tasks.itemChanged.connect(self._on_checked)
        self.tasks.currentItemChanged.connect(lambda *_: self._show_data())
        self.tasks.removing.connect(self._remove)
        self.add_file = QPushButton(self.tr("Add a file …"))
        self.add_file.setToolTip(self.tr("Add a task (TOML) or questions (JSON Lines)"))
        self.add_file.setAutoDefault(False)
        self.add_file.clicked.connect(self._ask_file)
        self.search = QLineEdit()
        self.search.setAccessibleName(self.tr("Search the tasks of lm-evaluation-harness"))
        self._names = QStringListModel(self)
        self._completer = QCompleter(self._names, self)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self._completer.setMaxVisibleItems(_MOST_FOUND)
        # The completer emits its choice before it writes it into the field.
        self._completer.activated.connect(self._add_found, Qt.ConnectionType.QueuedConnection)
        self.search.setCompleter(self._completer)
        self.search.returnPressed.connect(lambda: self._add_found(self.search.text()))
        self.search.textEdited.connect(lambda _: self._ask_names())
        self.data = QLineEdit()
        self.data.setAccessibleName(self.tr("Data file of the selected task"))
        self.data.textEdited.connect(self._on_data)
        self.browse = QPushButton(self.tr("…"))
        self.browse.setAccessibleName(self.tr("Choose the data file"))
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._ask_data)
        self._data_title = QLabel()
        self._data_title.setProperty("role", "caption")
        self._hint = QLabel()
        self._hint.setProperty("role", "caption")
        self._hint.setWordWrap(True)
        self._lay_out()
        self._offer_harness()
        ours = [(name, task_file(name)) for name in builtin_tasks()]
        for name, path in sorted(ours, key=lambda task: task[1] is None or needs_data(task[1])):
            self._add(ListedTask(name, path))  # tasks that need no data file come first
        self.tasks.setCurrentRow(0)

    def _lay_out(self) -> None:
        data = QHBoxLayout()
        data.setSpacing(SPACE // 2)
        data.addWidget(self.data, 1)
        data.addWidget(self.browse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.tasks)
        layout.addWidget(self._data_title)
        layout.addLayout(data)
        layout.addSpacing(SPACE // 2)
        layout.addWidget(self.add_file)
        layout.addWidget(self.search)
        layout.addWidget(self._hint)

    # The checked tasks

    @property
    def checked(self) -> list[ListedTask]:
        """The checked tasks."""
        return [
            item.data(_TASK) for item in self._items() if item.checkState() is Qt.CheckState.Checked
        ]

    @property
    def data_files(self) -> tuple[str, ...]:
        """The data files of the checked tasks in the form of a plan."""
        titles = [task.title for task in self.checked if task.path]
        return tuple(f"{title}={self._data[title]}" for title in titles if self._data.get(title))

    @property
    def missing_data(self) -> str:
        """The title of a checked task that lacks its data file, or an empty string."""
        missing = (
            task.title
            for task in self.checked
            if task.path and not self._data.get(task.title) and needs_data(task.path)
        )
        return next(missing, "")

    @property
    def runs_code(self) -> bool:
        """Whether a checked task runs code that models write."""
        return any(
            task.path is not None and metric_of(task.path) is Metric.CODE for task in self.checked
        )

    def choose(self, names: Sequence[str], data: dict[str, str]) -> None:
        """Check exactly these tasks and set their data files."""
        self._data.update(data)
        with QSignalBlocker(self.tasks):
            for item in self._items():
                item.setCheckState(Qt.CheckState.Unchecked)
        for name in names:
            self.check(name)
        self._show_data()

    def check(self, name: str) -> None:
        """Check a task, adding it to the list if it is missing."""
        item = next((item for item in self._items() if item.data(_TASK).name == name), None)
        if item is None:
            item = self._add(ListedTask(name, task_file(name)))
        item.setCheckState(Qt.CheckState.Checked)
        self.tasks.setCurrentItem(item)

    @property
    def given_data(self) -> dict[str, str]:
        """The chosen data files by the titles of their tasks."""
        return dict(self._data)

    def _items(self) -> list[QListWidgetItem]:
        return [self.tasks.item(row) for row in range(self.tasks.count())]

    def _add(self, task: ListedTask) -> QListWidgetItem:
        item = QListWidgetItem(task.title)
        item.setData(_TASK, task)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Unchecked)
        item.setToolTip(self._origin(task))
        self.tasks.addItem(item)
        return item

    def _origin(self, task: ListedTask) -> str:
        """The origin of a task, for its tool tip."""
        if not task.path:
            return self.tr("Task of lm-evaluation-harness")
        shipped = task.name in builtin_tasks()
        return self.tr("Shipped with Tuneshift") if shipped else str(task.path)

    def _on_checked(self, item: QListWidgetItem) -> None:
        """Select a task that has just been checked, so that its data file can be chosen."""
        if item.checkState() is Qt.CheckState.Checked:
            self.tasks.setCurrentItem(item)
        self.changed.emit()

    def _remove(self) -> None:
        item = self.tasks.currentItem()
        if item is not None and item.data(_TASK).name not in builtin_tasks():
            self.tasks.takeItem(self.tasks.row(item))
            self.changed.emit()

    def _ask_file(self) -> None:
        kind = self.tr("Tasks and questions (*.toml *.jsonl *.jsonl.gz *.yaml *.yml)")
        ask_file(self, self.tr("Add task"), "", [kind], self.check)

    # The data file

    def _show_data(self) -> None:
        item = self.tasks.currentItem()
        task: ListedTask | None = item.data(_TASK) if item else None
        local = task is not None and task.path is not None
        lines = local and task is not None and task.name.endswith((".jsonl", ".jsonl.gz"))
        self.data.setEnabled(local and not lines)
        self.browse.setEnabled(local and not lines)
        self.data.setText(self._data.get(task.title, "") if task and local else "")
        self._data_title.setText(
            self.tr("Data of {0}").format(task.title) if task else self.tr("Data")
        )
        required = task is not None and task.path is not None and needs_data(task.path)
        self.data.setPlaceholderText(
            self.tr("required: a JSON Lines file")
            if required
            else self.tr("default data of the task")
            if local
            else self.tr("from the Hub or its cache")
        )

    def _on_data(self, text: str) -> None:
        item = self.tasks.currentItem()
        if item is not None:
            self._data[item.data(_TASK).title] = text.strip()
            self.changed.emit()

    def _ask_data(self) -> None:
        kind = self.tr("Questions (*.jsonl *.jsonl.gz *.json)")
        folder = str(Path(self.data.text()).parent) if self.data.text() else ""
        ask_file(self, self.tr("Data of the task"), folder, [kind], self._take_data)

    def _take_data(self, path: str) -> None:
        self.data.setText(path)
        self._on_data(path)

    # The harness

    def _offer_harness(self) -> None:
        there = is_installed()
        self.search.setEnabled(there)
        self.search.setPlaceholderText(
            self.tr("Search lm-evaluation-harness")
            if there
            else self.tr("lm-evaluation-harness is not installed")
        )
        self._hint.setText(
            self.tr("The data of these tasks are downloaded from the Hub if needed.")
            if there
            else self.tr("Required for its tasks. {0}").format(install_hint("eval"))
        )

    def _ask_names(self) -> None:
        if not self._asked_names:
            self._asked_names = True
            self._background.run(self, harness_names, self._take_names, lambda _: None)

    def _take_names(self, names: list[str] | None) -> None:
        self._names.setStringList(names or [])
        if self.search.hasFocus() and self.search.text():
            self._completer.setCompletionPrefix(self.search.text())
            self._completer.complete()

    def _add_found(self, name: str) -> None:
        """Add the task of the harness called ``name``."""
        name = name.strip()
        known = self._names.stringList()
        if not name:
            return
        if known and name not in known and not name.startswith(PREFIX):
            self._hint.setText(
                self.tr(
                    "Its files define no task “{0}”. For a task that it generates, type {1}"
                ).format(name, PREFIX + name)
            )
            return
        self.check(name)
        self.search.clear()
        self._offer_harness()
