"""The scores of an evaluation: a table and a chart of the selected task."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.evaluation.results import TaskResults
from app.ui.evaluate.policy_verdict_words import policy_verdict_words
from app.ui.evaluate.score_chart import ScoreChart
from app.ui.evaluate.score_figures import measure_title, score_headings, score_rows
from app.ui.theme import SPACE
from app.ui.widgets.figures_model import FiguresModel
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.number_table import KEY_ROLE, NumberTable
from app.ui.widgets.paragraph import paragraph


class ResultsView(QWidget):
    """Shows the scores of one task and measure at a time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: Sequence[TaskResults] = ()
        self.choice = ChoiceBox()
        self.choice.setAccessibleName(self.tr("Task and measure"))
        self.choice.currentIndexChanged.connect(self._show)
        self._better = QLabel()
        self._better.setProperty("role", "caption")
        self.model = FiguresModel([], self)
        self.table = NumberTable(self.model, self.tr("Scores"), fits=True, wide=0)
        self.verdict = paragraph()
        self.chart = ScoreChart()
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self.choice)
        layout.addWidget(self.table)
        layout.addWidget(self._better)
        layout.addWidget(self.verdict)
        layout.addWidget(self.chart, 1)
        self._empty = QLabel()
        self._empty.setProperty("role", "caption")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(page)

    def show_results(self, found: Sequence[TaskResults], empty: str) -> None:
        """Show the scores ``found`` so far, or the message ``empty`` if there are none."""
        self._found = [task for task in found if task.results]
        self._empty.setText(empty)
        self._pages.setCurrentIndex(1 if self._found else 0)
        named = [(task.task, task.measured) for task in self._found]
        if named != [self.choice.itemData(at) for at in range(self.choice.count())]:
            chosen = self.choice.currentData()
            with QSignalBlocker(self.choice):
                self.choice.clear()
                for task in self._found:
                    title = self.tr("{0}: {1}").format(task.task, measure_title(task.measured))
                    self.choice.addItem(title, (task.task, task.measured))
                self.choice.setCurrentIndex(named.index(chosen) if chosen in named else 0)
        self.choice.setVisible(len(named) > 1)
        self._show()

    def _show(self) -> None:
        place = self.choice.currentIndex()
        task = self._found[place] if 0 <= place < len(self._found) else None
        self.chart.show_task(task)
        verdict = task.policies if task else None
        self.verdict.setText(policy_verdict_words(verdict) if verdict else "")
        self.verdict.setVisible(verdict is not None)
        if task is None:
            self.model.show([])
            return
        with self.table.kept(self._row_of):
            self.model.show(score_rows(task), score_headings(task))
        way = self.tr("higher is better") if task.higher_is_better else self.tr("lower is better")
        self._better.setText(
            self.tr("{0}: {1}, {2}").format(task.task, measure_title(task.measured), way)
        )

    def _row_of(self, key: object) -> int | None:
        rows = range(self.model.rowCount())
        return next((r for r in rows if self.model.index(r, 0).data(KEY_ROLE) == key), None)
