"""The table model of the runs in the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtGui import QColor

from app.history.records import RunSummary
from app.ui.history.run_words import RunWords
from app.ui.theme import current_theme
from app.ui.widgets.plain_tip import plain_tip

TITLE, RECIPE, TOKENS, MOMENT, TAGS = range(5)
KIND = Qt.ItemDataRole.UserRole
"""Item role of the kind of a run, shown below its title."""
_STAR = "★"

_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class RunTable(QAbstractTableModel):
    """One row for each run; the title can be edited.

    Args:
        rename: Called with the id of a run and its new title.
    """

    def __init__(self, rename: Callable[[str, str], None], parent: QObject) -> None:
        super().__init__(parent)
        self._rename = rename
        self._words = RunWords(self)
        self._runs: list[RunSummary] = []
        self._prompts = Counter[str]()
        self._titles = (
            self.tr("Title"),
            self.tr("Recipe"),
            self.tr("Tokens"),
            self.tr("Started"),
            self.tr("Tags"),
        )

    def show(self, runs: Sequence[RunSummary]) -> None:
        """Replace the rows by ``runs``."""
        self.beginResetModel()
        self._set_runs(runs)
        self.endResetModel()

    def update(self, runs: Sequence[RunSummary]) -> bool:
        """Update the rows if ``runs`` are the listed runs; return whether they are."""
        if [run.id for run in runs] != [run.id for run in self._runs]:
            return False
        before = self._runs
        self._set_runs(runs)
        for row, (old, new) in enumerate(zip(before, self._runs, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(row, 0), self.index(row, TAGS))
        return True

    def _set_runs(self, runs: Sequence[RunSummary]) -> None:
        self._runs = list(runs)
        self._prompts = Counter(run.prompt for run in runs)

    def run(self, row: int) -> RunSummary:
        """The run in row ``row``."""
        return self._runs[row]

    def all(self) -> list[RunSummary]:
        """The listed runs."""
        return list(self._runs)

    def row_of(self, run_id: str) -> int | None:
        """The row of a run, or None if the run is not listed."""
        return next((row for row, run in enumerate(self._runs) if run.id == run_id), None)

    def rowCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else len(self._runs)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else len(self._titles)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == TITLE else flags

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        run = self._runs[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cells(run)[index.column()]
        if role == Qt.ItemDataRole.EditRole:
            return run.shown_title
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"{self._words.facts(run)}\n{self._words.provenance(run)}")
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == TITLE:
            starred = self.tr("{0}, starred") if run.starred else "{0}"
            return self.tr("{0}, {1}").format(
                starred.format(self._title(run)), self._words.kind(run)
            )
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role == Qt.ItemDataRole.ForegroundRole and run.is_empty:
            return QColor(current_theme().muted)
        if role == KIND and index.column() == TITLE:
            return self._words.kind(run)
        return None

    def setData(  # noqa: N802 — Qt's name
        self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        run = self._runs[index.row()]
        if role != Qt.ItemDataRole.EditRole or str(value) == run.shown_title:
            return False
        self._rename(run.id, str(value))
        return True

    def headerData(  # noqa: N802 — Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def _title(self, run: RunSummary) -> str:
        return self._words.title(run, alike=self._prompts[run.prompt] > 1)

    def _cells(self, run: RunSummary) -> tuple[str, ...]:
        title = f"{_STAR} {self._title(run)}" if run.starred else self._title(run)
        return (
            title,
            run.recipe_name,
            f"{run.tokens:,}",
            self._words.moment(run),
            ", ".join(run.tags),
        )


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column == TOKENS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
