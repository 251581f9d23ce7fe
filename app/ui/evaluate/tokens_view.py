"""The mean shift of each class of tokens over a whole evaluation."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHeaderView, QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.ui.evaluate.score_figures import shift_headings, shift_rows, tuned_titles
from app.ui.state.records.evaluation import Evaluation
from app.ui.theme import SPACE
from app.ui.widgets.empty_page import empty_page
from app.ui.widgets.figures_model import FiguresModel
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.number_table import NumberTable

_CONTENTS = QHeaderView.ResizeMode.ResizeToContents


class TokensView(QWidget):
    """Shows mean shifts in the answers of one tuned role; counts only while it is visible."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._evaluation: Evaluation | None = None
        self.choice = ChoiceBox()
        self.choice.setAccessibleName(self.tr("Role whose answers are counted"))
        self.choice.currentIndexChanged.connect(self._show)
        self.model = FiguresModel(shift_headings(), self)
        self.table = NumberTable(self.model, self.tr("Shift by class of token"), fits=True, wide=3)
        self.table.horizontalHeader().setSectionResizeMode(0, _CONTENTS)
        self._about = QLabel()
        self._about.setProperty("role", "caption")
        self._about.setWordWrap(True)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self.choice)
        layout.addWidget(self.table)
        layout.addWidget(self._about)
        layout.addStretch(1)
        empty = empty_page(
            self.tr(
                "The shifts of generated tuned answers appear here by class of token. Tasks that "
                "score given texts and tasks of lm-evaluation-harness are not counted."
            )
        )
        self._pages = QStackedLayout(self)
        self._pages.addWidget(empty)
        self._pages.addWidget(page)

    def show_evaluation(self, evaluation: Evaluation | None) -> None:
        """Count the answers of ``evaluation`` so far."""
        self._evaluation = evaluation
        offered = [
            (task, view, title)
            for task, view, title in (tuned_titles(evaluation.results()) if evaluation else [])
            if evaluation and any("shifted" in record for record in evaluation.of(task, view))
        ]
        places = [(task, view) for task, view, _ in offered]
        if places != [self.choice.itemData(at) for at in range(self.choice.count())]:
            chosen = self.choice.currentData()
            with QSignalBlocker(self.choice):
                self.choice.clear()
                for task, view, title in offered:
                    self.choice.addItem(self.tr("{0}: {1}").format(task, title), (task, view))
                self.choice.setCurrentIndex(places.index(chosen) if chosen in places else 0)
        self._pages.setCurrentIndex(1 if places else 0)
        self._show()

    def _show(self) -> None:
        place = self.choice.currentData()
        if place is None or self._evaluation is None:
            self.model.show([])
            return
        shifts = self._evaluation.shifts(*place)
        if shifts is None:
            return
        self.model.show(shift_rows(shifts))
        self._about.setText(
            self.tr(
                "{0} answers. The mean shift is the mean of p(tuned) − p(base) over the generated "
                "tokens, before temperature and other sampling settings."
            ).format(f"{shifts.texts:,}")
        )
