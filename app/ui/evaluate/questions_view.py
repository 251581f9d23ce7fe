"""The questions of a task with the verdicts and answers of every role."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.evaluation.store import Record
from app.evaluation.variants import Variant
from app.ui.evaluate.question_html import QuestionHtml, mark_of
from app.ui.evaluate.score_figures import view_title
from app.ui.state.records.evaluation import Evaluation
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.empty_page import empty_page
from app.ui.widgets.figures_model import Cell, FiguresModel, Heading
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.number_table import NumberTable

_SNIPPET = 120
_TITLE = 14
"""Maximum number of characters of a role's name above its column."""
_SIZES = (380, 420)
_ROWS_MEASURED = 24
"""Rows measured for the width of a column; measuring a thousand takes half a second."""


class QuestionsView(QWidget):
    """Lists the questions of a task and shows the selected one with its answers."""

    inspected = Signal()
    """An answer was opened as a run in the window."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self._task = ""
        self._views: list[Variant] = []
        self._records: dict[str, dict[int, Record]] = {}
        self._words = QuestionHtml(self)
        self.choice = ChoiceBox()
        self.choice.setAccessibleName(self.tr("Task"))
        self.choice.currentIndexChanged.connect(self._show)
        self.filter = ChoiceBox()
        self.filter.setAccessibleName(self.tr("Filter questions"))
        for title, kept in self._filters():
            self.filter.addItem(title, kept)
        self.filter.currentIndexChanged.connect(self._show)
        self.model = FiguresModel([Heading("#")], self)
        self.table = NumberTable(self.model, self.tr("Questions"), wide=1)
        self.table.horizontalHeader().setResizeContentsPrecision(_ROWS_MEASURED)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_sample())
        self.table.chosen.connect(lambda _: self._inspect())
        self.text = QTextBrowser()
        self.text.setAccessibleName(self.tr("Question and answers"))
        self.text.setOpenLinks(False)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self.whose = ChoiceBox()
        self.whose.setAccessibleName(self.tr("Role whose answer to open"))
        self.inspect = QPushButton(self.tr("Open in inspector"))
        self.inspect.setToolTip(
            self.tr(
                "Open the answer as a run in the window, with the recipe and α of the evaluation "
                "(Enter)"
            )
        )
        self.inspect.setAutoDefault(False)
        self.inspect.clicked.connect(self._inspect)
        self._lay_out()
        session.runs.run_changed.connect(self._update_button)

    def _lay_out(self) -> None:
        left, right = QWidget(), QWidget()
        choices = QHBoxLayout()
        choices.setSpacing(SPACE)
        choices.addWidget(self.choice, 1)
        choices.addWidget(self.filter, 1)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, SPACE // 2, 0)
        column.setSpacing(SPACE)
        column.addLayout(choices)
        column.addWidget(self.table, 1)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE)
        foot.addWidget(self.whose, 1)
        foot.addWidget(self.inspect)
        column = QVBoxLayout(right)
        column.setContentsMargins(SPACE // 2, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.text, 1)
        column.addLayout(foot)
        page = QSplitter(Qt.Orientation.Horizontal)
        page.addWidget(left)
        page.addWidget(right)
        page.setSizes(_SIZES)
        page.setChildrenCollapsible(False)
        page.setHandleWidth(1)
        page.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        empty = empty_page(
            self.tr(
                "Questions and answers appear here, except those of lm-evaluation-harness, which "
                "are only saved in the folder of the evaluation."
            )
        )
        self._pages = QStackedLayout(self)
        self._pages.addWidget(empty)
        self._pages.addWidget(page)

    def _filters(self) -> list[tuple[str, str]]:
        return [
            (self.tr("all questions"), "all"),
            (self.tr("tuned right, base wrong"), "gained"),
            (self.tr("tuned wrong, base right"), "lost"),
            (self.tr("tuned wrong"), "wrong"),
        ]

    # Content

    def show_evaluation(self, evaluation: Evaluation | None) -> None:
        """Show the answers of ``evaluation`` so far."""
        other = evaluation is not self._evaluation
        self._evaluation = evaluation
        found = evaluation.results() if evaluation else []
        tasks = [
            task.task
            for task in found
            if evaluation and any(evaluation.of(task.task, r.variant.title) for r in task.results)
        ]
        if tasks != [self.choice.itemText(at) for at in range(self.choice.count())]:
            with QSignalBlocker(self.choice):
                self.choice.clear()
                self.choice.addItems(tasks)
                self.choice.setCurrentIndex(tasks.index(self._task) if self._task in tasks else 0)
        self._pages.setCurrentIndex(1 if tasks else 0)
        self._show()
        if other and self.model.rowCount():
            asked = self._session.evaluations.last_question
            row = None if asked is None else self.model.row_of(f"{asked + 1:,}")
            self.table.go_to(row or 0)
            self.table.scrollTo(self.table.currentIndex())

    def _show(self) -> None:
        self._read()
        headings = [
            Heading("#"),
            Heading(self.tr("question"), number=False),
            *(_heading(view) for view in self._views),
        ]
        indices = self._indices()
        common = _common_beginning([self._prompt(index) for index in indices])
        rows = [self._row(index, common) for index in indices if self._is_kept(index)]
        with self.table.kept(self.model.row_of):
            self.model.show(rows, headings)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Interactive)
        if rows and not self.table.chosen_rows():
            self.table.go_to(0)
        tuned = [view for view in self._views if view.kind == "tuned"]
        titles = [view.title for view in tuned]
        if titles != [self.whose.itemData(at) for at in range(self.whose.count())]:
            self.whose.clear()
            for view in tuned:
                self.whose.addItem(view_title(view), view.title)
        self._show_sample()

    def _read(self) -> None:
        self._task = self.choice.currentText()
        evaluation = self._evaluation
        found = evaluation.results() if evaluation else []
        self._views = [
            result.variant for task in found if task.task == self._task for result in task.results
        ]
        self._records = {
            view.title: {
                record["index"]: record for record in evaluation.of(self._task, view.title)
            }
            for view in self._views
            if evaluation
        }

    def _indices(self) -> list[int]:
        return sorted({index for records in self._records.values() for index in records})

    def _prompt(self, index: int) -> str:
        found = (records.get(index) for records in self._records.values())
        return next(str(record.get("prompt", "")) for record in found if record)

    def _row(self, index: int, common: int) -> list[Cell]:
        """The cells of a question, without the ``common`` characters that start all questions."""
        prompt = self._prompt(index)
        return [
            Cell(f"{index + 1:,}"),
            Cell(" ".join(prompt[common:].split())[:_SNIPPET], prompt),
            *(Cell(mark_of(self._records[view.title].get(index))) for view in self._views),
        ]

    def _is_kept(self, index: int) -> bool:
        kept = self.filter.currentData()
        if kept == "all":
            return True
        tuned = self._value("tuned", index)
        base = self._value("base", index)
        if kept == "wrong":
            return tuned is not None and tuned < 1
        if tuned is None or base is None:
            return False
        return tuned > base if kept == "gained" else tuned < base

    def _value(self, kind: str, index: int) -> float | None:
        """The score of question ``index`` by the first role of kind ``kind``."""
        for view in self._views:
            record = self._records[view.title].get(index)
            if view.kind == kind and record:
                return float(record["value"])
        return None

    def _chosen(self) -> int | None:
        rows = self.table.chosen_rows()
        if not rows:
            return None
        return int(self.model.index(rows[0], 0).data().replace(",", "")) - 1

    def _show_sample(self) -> None:
        index = self._chosen()
        answers = [
            (view, record)
            for view in self._views
            if index is not None and (record := self._records[view.title].get(index))
        ]
        page = self._words.page(answers) if answers else ""
        if page != self.text.property("page"):
            self.text.setProperty("page", page)
            self.text.setHtml(page)
        self._update_button()

    # The inspector

    def _answer(self) -> tuple[Variant, Record] | None:
        index = self._chosen()
        view = next((v for v in self._views if v.title == self.whose.currentData()), None)
        record = self._records[view.title].get(index) if view and index is not None else None
        return (view, record) if view and record and any(record.get("output", ())) else None

    def _update_button(self) -> None:
        self.inspect.setEnabled(self._answer() is not None and not self._session.runs.running)

    def _inspect(self) -> None:
        """Open the answer as a run, with the recipe and the alphas of the evaluation."""
        found, session = self._answer(), self._session
        if found is None or session.runs.running or self._evaluation is None:
            return
        view, record = found
        recipe = self._evaluation.recipe
        if recipe.models != session.recipe.models:
            session.open_recipe(recipe)
        for place, alpha in enumerate(view.alphas):
            session.set_alpha(place, alpha)
        session.runs.score(record["prompt"], record["output"][0])
        session.evaluations.last_question = self._chosen()
        self.inspected.emit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_sample()


def _heading(view: Variant) -> Heading:
    title = view_title(view)
    short = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
    return Heading(short, title, number=False)


def _common_beginning(prompts: Sequence[str]) -> int:
    """Number of leading characters shared by all questions, in whole words; 0 for one question."""
    if len(prompts) < 2:
        return 0
    first, last = min(prompts), max(prompts)  # all other prompts sort between these two
    pairs = enumerate(zip(first, last, strict=False))
    length = next((at for at, (a, b) in pairs if a != b), min(len(first), len(last)))
    return max(first.rfind(" ", 0, length), first.rfind("\n", 0, length)) + 1
