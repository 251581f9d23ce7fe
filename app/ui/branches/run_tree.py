"""Tree model of the window's runs, with branches below their parents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from app.history.run_search import matches
from app.ui.drawing_pace import FIGURES
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs
from app.ui.widgets.plain_tip import plain_tip
from app.ui.widgets.redraw_pace import RedrawPace
from app.ui.words.run_titles import RunTitles

DETAIL_ROLE = Qt.ItemDataRole.UserRole + 1
"""Second line of an item."""
SHOWN_ROLE = Qt.ItemDataRole.UserRole + 2
"""Whether the item is the shown run."""

_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


@dataclass(slots=True)
class _Node:
    """A run, or the heading of a conversation or of the answers of all roles."""

    run: Run | None
    first: Run
    parent: int
    row: int
    children: list[int] = field(default_factory=list)


class RunTree(QAbstractItemModel):
    """Tree model with one column; the names of runs are editable."""

    def __init__(self, runs: Runs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._words = RunTitles(self)
        self._nodes: list[_Node] = []
        self._top: list[int] = []
        self._places: dict[Run, int] = {}
        self._shown: Run | None = None
        self._searched = ""
        runs.list_changed.connect(self._rebuild)
        self._grown: dict[Run, None] = {}
        self._pace = RedrawPace(FIGURES, self)
        self._pace.due.connect(self._update_grown)
        runs.generation.progressed.connect(self._on_progress)
        runs.run_changed.connect(self._on_shown)
        self._rebuild()

    def run_at(self, index: _Index) -> Run | None:
        """The run of an item; None for a heading."""
        return self._nodes[index.internalId()].run if index.isValid() else None

    def index_of(self, run: Run | None) -> QModelIndex:
        """The item of a run."""
        place = self._places.get(run) if run else None
        return QModelIndex() if place is None else self._index_at(place)

    def search(self, words: str) -> None:
        """List only runs in which all ``words`` occur, and those above them."""
        if words != self._searched:
            self._searched = words
            self._rebuild()

    # Building

    def _rebuild(self) -> None:
        self.beginResetModel()
        self._nodes, self._top, self._places = [], [], {}
        headings: dict[int, int] = {}
        waiting = self._found()
        while waiting:  # a restored run may come after its branches in the list
            placed = [run for run in waiting if not run.parent or run.parent in self._places]
            for run in placed or waiting:
                above = self._places.get(run.parent, -1) if run.parent else -1
                together = run.group or run.chat
                if above < 0 and together:
                    if together not in headings:
                        headings[together] = self._append(None, run, -1)
                    above = headings[together]
                self._places[run] = self._append(run, run, above)
            waiting = [run for run in waiting if run not in self._places]
        self._shown = self._runs.current
        self.endResetModel()

    def _found(self) -> list[Run]:
        if not self._searched.strip():
            return list(self._runs.all)
        kept = set[Run]()
        for run in self._runs.all:
            if matches(self._words.searchable(run), self._searched):
                above: Run | None = run
                while above and above not in kept:
                    kept.add(above)
                    above = above.parent
        return [run for run in self._runs.all if run in kept]

    def _append(self, run: Run | None, first: Run, parent: int) -> int:
        siblings = self._top if parent < 0 else self._nodes[parent].children
        place = len(self._nodes)
        self._nodes.append(_Node(run, first, parent, len(siblings)))
        siblings.append(place)
        return place

    def _on_progress(self, run: Run) -> None:
        """Update a run that has ended at once, and one that grows a few times a second."""
        if not run.active:
            self._update_run(run)
            return
        self._grown[run] = None
        self._pace.tokens_came()

    def _update_grown(self) -> None:
        self._pace.drawn()
        grown, self._grown = self._grown, {}
        for run in grown:
            self._update_run(run)

    def _update_run(self, run: Run) -> None:
        index = self.index_of(run)
        if index.isValid():
            self.dataChanged.emit(index, index)

    def _on_shown(self) -> None:
        before, self._shown = self._shown, self._runs.current
        for run in (before, self._shown):
            if run:
                self._update_run(run)

    def _index_at(self, place: int) -> QModelIndex:
        return self.createIndex(self._nodes[place].row, 0, place)

    # QAbstractItemModel

    def index(self, row: int, column: int, parent: _Index = _NOWHERE) -> QModelIndex:
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        above = self._nodes[parent.internalId()].children if parent.isValid() else self._top
        return self.createIndex(row, column, above[row])

    def parent(self, index: _Index = _NOWHERE) -> QModelIndex:  # type: ignore[override]
        above = self._nodes[index.internalId()].parent if index.isValid() else -1
        return QModelIndex() if above < 0 else self._index_at(above)

    def rowCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return len(self._nodes[parent.internalId()].children if parent.isValid() else self._top)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return 1

    def flags(self, index: _Index) -> Qt.ItemFlag:
        usable = Qt.ItemFlag.ItemIsEnabled
        if self.run_at(index):
            usable |= Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable
        return usable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        node = self._nodes[index.internalId()]
        return self._of_group(node, role) if node.run is None else self._of_run(node.run, role)

    def setData(  # noqa: N802 — Qt's name
        self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        run = self.run_at(index)
        if run is None or role != Qt.ItemDataRole.EditRole:
            return False
        self._runs.rename(run, str(value).strip())
        return True

    def _of_group(self, node: _Node, role: int) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._words.group(node.first)
        return None

    def _of_run(self, run: Run, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words.title(run)
        if role == Qt.ItemDataRole.EditRole:
            return run.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._words.about(run))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            shown = (self.tr("shown"),) if run is self._runs.current else ()
            return " · ".join((self._words.title(run), self._words.detail(run), *shown))
        if role == DETAIL_ROLE:
            return self._words.detail(run)
        return run is self._runs.current if role == SHOWN_ROLE else None
