"""The list of past evaluations, which can be opened or removed."""

from __future__ import annotations

import json

from PySide6.QtWidgets import (
    QHeaderView,
    QMessageBox,
    QPushButton,
    QWidget,
)

from app.history.evaluation_summaries import EvaluationSummary
from app.ui.state.records.window_evaluations import Evaluations
from app.ui.widgets.figures_model import Cell, FiguresModel, Heading
from app.ui.widgets.list_pages import ListPages
from app.ui.widgets.number_table import NumberTable
from app.ui.words.moments import shown_moment

_CONTENTS = QHeaderView.ResizeMode.ResizeToContents


class PastView(QWidget):
    """Lists past evaluations; Enter opens the selected one."""

    def __init__(self, evaluations: Evaluations, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._evaluations = evaluations
        self._listed: list[EvaluationSummary] = []
        self.model = FiguresModel(
            [
                Heading(self.tr("date"), number=False),
                Heading(self.tr("tasks"), number=False),
                Heading(self.tr("recipe"), number=False),
                Heading(self.tr("answers")),
                Heading(self.tr("state"), number=False),
            ],
            self,
        )
        self.table = NumberTable(self.model, self.tr("Past evaluations"), wide=1)
        for column in (0, 2):
            self.table.horizontalHeader().setSectionResizeMode(column, _CONTENTS)
        self.table.chosen.connect(lambda _: self._open())
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._update())
        self.open_one = QPushButton(self.tr("Open"))
        self.open_one.clicked.connect(self._open)
        self.remove = QPushButton(self.tr("Remove …"))
        self.remove.clicked.connect(self._remove)
        self._pages = ListPages(
            self,
            self.table,
            (self.remove, self.open_one),
            self.tr("Every evaluation is saved here."),
        )
        evaluations.changed.connect(self._on_changed)
        evaluations.stored.changed.connect(self._show)
        self._show()

    def refresh(self) -> None:
        """Read the list from the disk again, in the background."""
        self._evaluations.stored.refresh()

    def _show(self) -> None:
        """Show the list as it was last read."""
        listed = self._listed = self._evaluations.stored.listed
        with self.table.kept(self.model.row_of):
            self.model.show([self._row(summary) for summary in listed])
        self._pages.show_list(empty=not listed)
        self._update()

    def _on_changed(self) -> None:
        if self.isVisible():
            self.refresh()

    def _row(self, summary: EvaluationSummary) -> list[Cell]:
        try:
            tasks = json.loads(summary.results)
            names = dict.fromkeys(task["task"] for task in tasks)
            answers = sum(role["questions"] for task in tasks for role in task["results"])
        except (ValueError, KeyError, TypeError):
            names, answers = {}, 0
        state = self.tr("complete") if summary.complete else self.tr("stopped")
        if self._evaluations.running and self._evaluations.is_current(summary):
            state = self.tr("running")
        return [
            Cell(shown_moment(summary.created), summary.folder),
            Cell(", ".join(names), summary.folder),
            Cell(summary.recipe_name),
            Cell(f"{answers:,}"),
            Cell(state),
        ]

    def _chosen(self) -> EvaluationSummary | None:
        rows = self.table.chosen_rows()
        return self._listed[rows[0]] if len(rows) == 1 else None

    def _update(self) -> None:
        one = self._chosen() is not None
        self.open_one.setEnabled(one and not self._evaluations.running)
        self.remove.setEnabled(one)

    def _open(self) -> None:
        summary = self._chosen()
        if summary and not self._evaluations.running:
            self._evaluations.show(summary)

    def _remove(self) -> None:
        summary = self._chosen()
        if summary is None:
            return
        answer = QMessageBox.question(
            self,
            self.tr("Remove evaluation"),
            self.tr("Remove this evaluation and its answers? This cannot be undone."),
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._evaluations.forget(summary)
