"""Summary tab of the right column: statistics of whole runs."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSize, Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.attribution.summary import Tally, total
from app.ui.state.session import Session
from app.ui.summary import summary_figures as figures
from app.ui.summary.run_choice import RunChoice
from app.ui.summary.tallies import Tallies, pairs_of
from app.ui.theme import SPACE
from app.ui.widgets.figures_model import Cell, FiguresModel, Heading
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.number_table import KEY_ROLE, NumberTable
from app.ui.widgets.paragraph import paragraph
from app.ui.widgets.reflow_row import ReflowRow
from app.ui.words.run_titles import RunTitles
from app.wording import quoted

_MINIMUM_COUNTS = (1, 2, 3, 5, 10)
_WIDEST = 10
"""Maximum length of names in the table of runs; the tool tip has the whole name."""


class SummaryPanel(QFrame):
    """Perplexities, mean contributions and most shifted tokens of one or several runs."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "side")
        self._session = session
        self._words = RunTitles(self)
        self._tallies = Tallies(session.runs, self)
        self._choice = RunChoice(session.runs, self._words)
        self._overview = paragraph(role="caption")
        self._roles = FiguresModel(figures.perplexity_headings(), self)
        self._pairs = FiguresModel(figures.pair_headings(), self)
        self._tokens = FiguresModel(figures.influence_headings(), self)
        self._texts = FiguresModel(figures.text_headings(()), self)
        self._minimum = ChoiceBox()
        self._minimum.setAccessibleName(self.tr("Minimum number of occurrences of a token"))
        for times in _MINIMUM_COUNTS:
            self._minimum.addItem(self.tr("{0} times or more").format(times), times)
        self._minimum.setItemText(0, self.tr("all"))
        self._minimum.currentIndexChanged.connect(self._update)
        self._token_table = _table(self._tokens, self.tr("Most shifted tokens"), wide=1)
        self._token_table.chosen.connect(self._select_next)
        self._text_table = _table(self._texts, self.tr("Runs side by side"), wide=None)
        self._empty = paragraph(role="caption")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setMargin(2 * SPACE)
        self._empty.setText(self.tr("Press Generate to see statistics of whole runs."))
        self._sections: list[tuple[FiguresModel, list[QWidget]]] = []
        self._lay_out()
        self._tallies.changed.connect(self._update)
        self._choice.chosen_changed.connect(self._count_checked)
        session.runs.list_changed.connect(self._count_checked)
        self._count_checked()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(340, 600)

    def _lay_out(self) -> None:
        self._choice_title = paragraph(self.tr("Runs"), "section")
        page = QFrame()
        page.setProperty("role", "side")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._choice_title)
        layout.addWidget(self._choice)
        layout.addWidget(self._overview)
        layout.addWidget(self._empty)
        roles = _table(self._roles, self.tr("Perplexity of the run under each role"))
        pairs = _table(self._pairs, self.tr("Mean contribution of each pair"))
        minimum = ReflowRow()
        minimum.add(paragraph(self.tr("Most shifted tokens"), "section"), 2)
        minimum.add(self._minimum, 1)
        for model, title, table in (
            (self._roles, paragraph(self.tr("Perplexity under each role"), "section"), roles),
            (self._pairs, paragraph(self.tr("Contribution of each pair"), "section"), pairs),
            (self._tokens, minimum, self._token_table),
            (self._texts, paragraph(self.tr("Side by side"), "section"), self._text_table),
        ):
            layout.addSpacing(SPACE)
            layout.addWidget(title)
            layout.addWidget(table)
            self._sections.append((model, [title, table]))
        layout.addStretch(1)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    # Content

    def _count_checked(self) -> None:
        """Count the tokens of the checked runs while the panel is visible."""
        if self.isVisible():
            self._tallies.count_only(self._choice.chosen)
            self._update()

    def _update(self) -> None:
        runs = self._choice.chosen
        pairs = list(dict.fromkeys(pair for run in runs for pair in pairs_of(run)))
        colors: dict[str, int] = {}
        for run in runs:
            for place, pair in enumerate(pairs_of(run)):
                colors.setdefault(pair, place)
        tallies = [self._tallies.of(run) for run in runs]
        whole = total(tallies)
        self._overview.setText(self._describe(whole, len(runs)))
        self._show(self._roles, figures.perplexity_rows(whole, pairs, colors))
        self._show(self._pairs, figures.pair_rows(whole, pairs, colors))
        minimum = int(self._minimum.currentData())
        self._show(self._tokens, figures.influence_rows(whole.influences(minimum)))
        rows = [
            figures.text_row(self._words.title(run), tally, pairs, self._words.about(run))
            for run, tally in zip(runs, tallies, strict=True)
        ]
        if len(rows) > 1:
            rows.append(figures.text_row(self.tr("together"), whole, pairs))
        self._show(self._texts, rows if len(rows) > 1 else [], figures.text_headings(pairs))
        several = len(self._session.runs.all) > 1
        self._choice_title.setVisible(several)
        self._choice.setVisible(several)
        known = whole.tokens > 0
        self._empty.setVisible(not known)
        self._overview.setVisible(known)
        for model, widgets in self._sections:
            for widget in widgets:
                # The choice of the minimum stays visible even if it excludes all tokens.
                asked = model is self._tokens and whole.tuned > 0
                widget.setVisible(bool(model.rowCount()) or asked)

    def _show(
        self,
        model: FiguresModel,
        rows: list[list[Cell]],
        headings: list[Heading] | None = None,
    ) -> None:
        (table,) = (view for view in self.findChildren(NumberTable) if view.model() is model)
        with table.kept(model.row_of):
            model.show(rows, headings or ())

    def _describe(self, whole: Tally, runs: int) -> str:
        """Describe what the statistics are based on."""
        counted = self.tr("{0} tokens, {1} characters").format(
            f"{whole.tokens:,}", f"{whole.characters:,}"
        )
        lines = [counted]
        if runs > 1:
            lines = [self.tr("{0} runs: {1}").format(runs, counted)]
        if whole.tuned:
            lines.append(
                self.tr("Flips: {0} tokens ({1})").format(
                    f"{whole.flips:,}", figures.percent(whole.flipped_share)
                )
            )
        if whole.given:
            lines.append(
                self.tr(
                    "{0} tokens were given, not sampled; they are counted like the others"
                ).format(f"{whole.given:,}")
            )
        if whole.sampled:
            lines.append(self.tr("Contributions are approximate with more than six pairs"))
        waiting = self._tallies.waiting
        if waiting:
            lines.append(self.tr("Counting: {0} tokens to go …").format(f"{waiting:,}"))
        return "\n".join(lines)

    # User actions

    def _select_next(self, index: QModelIndex) -> None:
        """Select the next occurrence of a token in the shown run."""
        run, selection = self._session.runs.current, self._session.selection
        if run is None:
            return
        name = str(index.data(KEY_ROLE))
        places = [t.index for t in run.tokens if quoted(run.label(t.token_id)) == name]
        after = [place for place in places if selection.token is None or place > selection.token]
        if places:
            selection.select((after or places)[0])

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 — Qt's name
        super().showEvent(event)
        self._count_checked()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 — Qt's name
        super().hideEvent(event)
        self._tallies.count_only(())


def _table(model: FiguresModel, name: str, wide: int | None = 0) -> NumberTable:
    """A table as high as its rows, in which the column ``wide`` takes the remaining width."""
    table = NumberTable(model, name, fits=True, wide=wide)
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    if wide is None:
        header.setMaximumSectionSize(table.fontMetrics().horizontalAdvance("m" * _WIDEST))
    else:
        header.setSectionResizeMode(wide, QHeaderView.ResizeMode.Interactive)
    return table
