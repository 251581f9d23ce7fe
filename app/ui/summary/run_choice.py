"""List with check boxes: the runs that the summary includes."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs
from app.ui.theme import SPACE
from app.ui.words.run_titles import RunTitles

_MOST_ROWS = 5


class RunChoice(QListWidget):
    """The runs of the window, of which any number can be checked.

    Only the shown run is checked until the user checks others.
    """

    chosen_changed = Signal()

    def __init__(self, runs: Runs, words: RunTitles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._words = words
        self._chosen: list[Run] = []
        self._follows = True
        self.setAccessibleName(self.tr("Runs of the summary"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.itemChanged.connect(self._on_checked)
        runs.list_changed.connect(self._update)
        runs.run_changed.connect(self._update)
        self._update()

    @property
    def chosen(self) -> list[Run]:
        """The checked runs, in the order of the list."""
        return self._chosen

    def _update(self) -> None:
        shown = self._runs.current
        if self._follows or not any(run in self._runs.all for run in self._chosen):
            self._follows = True
            wanted = [shown] if shown else []
        else:
            wanted = self._chosen
        row = self.currentRow()
        with QSignalBlocker(self):
            self.clear()
            for run in self._runs.all:
                item = QListWidgetItem(self._words.title(run), self)
                item.setToolTip(self._words.about(run))
                item.setData(Qt.ItemDataRole.UserRole, run)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                checked = Qt.CheckState.Checked if run in wanted else Qt.CheckState.Unchecked
                item.setCheckState(checked)
            self.setCurrentRow(min(row, self.count() - 1))
        self._choose([run for run in self._runs.all if run in wanted])
        rows = min(max(self.count(), 1), _MOST_ROWS)
        line = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height() + SPACE
        self.setFixedHeight(rows * line + SPACE)

    def _on_checked(self) -> None:
        self._follows = False
        items = (self.item(row) for row in range(self.count()))
        self._choose(
            [
                item.data(Qt.ItemDataRole.UserRole)
                for item in items
                if item.checkState() is Qt.CheckState.Checked
            ]
        )

    def _choose(self, runs: list[Run]) -> None:
        if runs != self._chosen:
            self._chosen = runs
            self.chosen_changed.emit()
