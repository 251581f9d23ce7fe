"""The list of trainings of the window, which can be shown again."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtWidgets import (
    QHeaderView,
    QMessageBox,
    QPushButton,
    QWidget,
)

from app.training.process.stored_trainings import StoredTraining
from app.ui.state.training.window_trainings import Trainings
from app.ui.train.verdict_words import short_verdict
from app.ui.widgets.figures_model import Cell, FiguresModel, Heading
from app.ui.widgets.list_pages import ListPages
from app.ui.widgets.number_table import NumberTable
from app.ui.words.moments import shown_moment
from app.ui.words.source_titles import titles_of

_CONTENTS = QHeaderView.ResizeMode.ResizeToContents


class PastTrainings(QWidget):
    """Lists the trainings on the disk; Enter shows the selected one."""

    def __init__(self, trainings: Trainings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trainings = trainings
        self.model = FiguresModel(
            [
                Heading(self.tr("date"), number=False),
                Heading(self.tr("expert"), number=False),
                Heading(self.tr("small model"), number=False),
                Heading(self.tr("base"), number=False),
                Heading(self.tr("verdict"), number=False),
            ],
            self,
        )
        self.table = NumberTable(self.model, self.tr("Past trainings"), wide=1)
        for column in (0, 4):
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
            self.tr("Every training is kept and listed here."),
        )
        trainings.listed.connect(self._show)
        trainings.changed.connect(self._update)
        self._show()

    def _show(self) -> None:
        with self.table.kept(self.model.row_of):
            self.model.show([self._row(stored) for stored in self._trainings.stored])
        self._pages.show_list(empty=not self._trainings.stored)
        self._update()

    def _row(self, stored: StoredTraining) -> list[Cell]:
        place = str(stored.folder.path)
        small, base = titles_of([stored.plan.small.source, stored.plan.base.source])
        verdict = stored.verdict
        return [
            Cell(shown_moment(datetime.fromtimestamp(stored.began, UTC)), place),
            Cell(stored.plan.name, place),
            Cell(small),
            Cell(base),
            Cell(short_verdict(verdict) if verdict else self.tr("none yet: it can go on")),
        ]

    def _chosen(self) -> StoredTraining | None:
        rows = self.table.chosen_rows()
        return self._trainings.stored[rows[0]] if len(rows) == 1 else None

    def _update(self) -> None:
        free = self._chosen() is not None and not self._trainings.running
        self.open_one.setEnabled(free)
        self.remove.setEnabled(free)

    def _open(self) -> None:
        stored = self._chosen()
        if stored:
            self._trainings.show(stored)

    def _remove(self) -> None:
        stored = self._chosen()
        if stored is None:
            return
        answer = QMessageBox.question(
            self,
            self.tr("Remove training"),
            self.tr(
                "Remove this training, its adapter and its copy of your texts? Recipes with this "
                "adapter can then not be loaded. This cannot be undone."
            ),
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._trainings.forget(stored)
