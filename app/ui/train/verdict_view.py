"""The verdict on an expert: a sentence, what to try, the gain at each α, and all scores."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.training.judging.verdict import MeasureVerdict, Scores, Verdict
from app.training.messages.training_events import Trained
from app.ui.theme import SPACE
from app.ui.train.gain_chart import GainChart
from app.ui.train.verdict_words import (
    advice_words,
    gain_words,
    measure_words,
    own_prompt_words,
    score_words,
    variant_words,
    verdict_sentence,
    worse_words,
)
from app.ui.widgets.empty_page import empty_page
from app.ui.widgets.figures_model import Cell, FiguresModel, Heading
from app.ui.widgets.message_label import MessageLabel
from app.ui.widgets.number_table import NumberTable

_CONTENTS = QHeaderView.ResizeMode.ResizeToContents


class VerdictView(QWidget):
    """Shows one verdict; its buttons use the expert, or show its files."""

    use_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence, self.advice = MessageLabel(), MessageLabel()
        self.chart = GainChart()
        self.about_chart = QLabel(
            self.tr(
                "Gain over the base on the held-out documents that judge, with 95% intervals; the "
                "large point is the α that the other half chose. Above the dashed line is better."
            )
        )
        self.about_chart.setProperty("role", "caption")
        self.about_chart.setWordWrap(True)
        self.model = FiguresModel(
            [
                Heading("", number=False),
                Heading(self.tr("measure"), number=False),
                Heading(self.tr("chooses α"), self.tr("Score on the half that chooses α")),
                Heading(self.tr("judges"), self.tr("Score on the half that judges")),
                Heading(self.tr("gain over the base"), self.tr("With its 95% interval")),
            ],
            self,
        )
        self.table = NumberTable(self.model, self.tr("Scores of the held-out documents"), wide=0)
        for column in (1, 4):
            self.table.horizontalHeader().setSectionResizeMode(column, _CONTENTS)
        self.use = QPushButton(self.tr("&Use in a new recipe"))
        self.use.setProperty("role", "primary")
        self.use.clicked.connect(self.use_wanted)
        self.folder = QPushButton(self.tr("Sho&w in folder"))
        self.folder.clicked.connect(self.folder_wanted)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE + 4, SPACE)
        layout.setSpacing(SPACE)
        for widget in (self.sentence, self.advice):
            layout.addWidget(widget)
        layout.addWidget(self.chart, 3)
        layout.addWidget(self.about_chart)
        layout.addWidget(self.table, 2)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.folder)
        buttons.addStretch(1)
        buttons.addWidget(self.use)
        for button in (self.folder, self.use):
            button.setAutoDefault(False)
        layout.addLayout(buttons)
        self._shown: Verdict | None = None
        self._pages = QStackedLayout(self)
        self._pages.addWidget(
            empty_page(
                self.tr(
                    "Whether the expert helps is judged here, on documents that it has not seen. "
                    "The answer may be no."
                )
            )
        )
        self._pages.addWidget(page)

    def show_verdict(
        self, verdict: Verdict | None, trained: Trained | None, *, editable: bool
    ) -> None:
        """Show a verdict.

        Args:
            verdict: The verdict; None while there is none.
            trained: What its training said at its end, if that is known.
            editable: Whether a recipe can be opened now.
        """
        self._pages.setCurrentIndex(0 if verdict is None else 1)
        self.chart.show_verdict(verdict)
        self.use.setEnabled(editable)
        self.use.setToolTip(
            ""
            if editable
            else self.tr("The recipe cannot be changed during a run. Press Esc to stop the run.")
        )
        if verdict is None or verdict is self._shown:
            return
        self._shown = verdict
        self.sentence.show_message(verdict_sentence(verdict), "section")
        said = [own_prompt_words(verdict), worse_words(trained), advice_words(verdict)]
        self.advice.show_message("\n".join(part for part in said if part))
        measures = [verdict.bits, *([verdict.matches] if verdict.matches else [])]
        self.model.show(
            [_row(scores, measure) for measure in measures for scores in measure.scores]
        )


def _row(scores: Scores, measure: MeasureVerdict) -> list[Cell]:
    return [
        Cell(variant_words(scores)),
        Cell(measure_words(measure)),
        Cell(score_words(scores.choosing, measure)),
        Cell(score_words(scores.judging, measure)),
        Cell(gain_words(scores.gain, measure) if scores.gain else ""),
    ]
