"""Table of the candidates at the selected token, with a filter and a button to fork."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.attribution.candidates import CandidateRows, CandidateTable, tabulate, with_token
from app.decoding.types import RoleLogits
from app.ui.inspector.candidate_columns import ColumnsMenu
from app.ui.inspector.candidate_filter import CandidateFilter, ShiftSign
from app.ui.inspector.candidate_lookup import ids_of
from app.ui.inspector.candidate_model import CandidateModel
from app.ui.inspector.token_description import section
from app.ui.state.display import Display
from app.ui.state.runs.run import Run
from app.ui.theme import SPACE
from app.ui.widgets.bar_delegate import SORT_ROLE
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.number_table import KEY_ROLE, NumberTable
from app.ui.widgets.reflow_row import ReflowRow
from app.ui.widgets.table_text import as_csv
from app.wording import quoted

_TOKEN_WIDTH = 84
_PADDING = 9
_LEAST_LINES = 10
"""Minimum height of the table in lines, including its header."""


class CandidatesView(QWidget):
    """Table of the candidates with a filter above it."""

    chosen = Signal(int)
    """The user asked to continue from the candidate with this token id."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._display = display
        self._run: Run | None = None
        self._rows: CandidateRows | None = None
        self._logits: RoleLogits | None = None
        self._title = section()
        self._unknown = QLabel()
        self._unknown.setProperty("role", "caption")
        self._unknown.setWordWrap(True)
        self._unknown.hide()
        self._model = CandidateModel(self)
        self._proxy = CandidateFilter(self._model)
        self._pair_names: tuple[str, ...] = ()
        self._fitted_to = 0
        self._text = QLineEdit()
        self._text.setPlaceholderText(self.tr("Filter"))
        self._text.setToolTip(
            self.tr(
                "Show only candidates that contain this text, or #123 for the token with id 123. "
                "A whole token is shown even if it is not among the most probable."
            )
        )
        self._text.setAccessibleName(self.tr("Filter the candidates by text"))
        self._text.setClearButtonEnabled(True)
        self._text.textChanged.connect(self._on_text)
        self._kind = ChoiceBox()
        self._kind.setAccessibleName(self.tr("Which candidates to show"))
        self._table = NumberTable(self._proxy, self.tr("Candidates at the selected token"))
        self._table.viewport().installEventFilter(self)
        self._table.setSortingEnabled(True)
        self._table.horizontalHeader().setSortIndicatorClearable(True)
        self._table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # the order of the model
        self._table.chosen.connect(self._choose)
        self._continue = QPushButton(self.tr("Generate from here"))
        self._continue.setProperty("role", "link")
        self._continue.clicked.connect(self._choose_current)
        self._continue_action = QAction(self._continue.text(), self._table)
        self._continue_action.triggered.connect(self._choose_current)
        self._table.insertAction(self._table.actions()[0], self._continue_action)
        self.set_startable(True)
        self._columns = ColumnsMenu(display, self._table)
        for title, slot in (
            (self.tr("Copy as CSV"), self._copy_chosen),
            (self.tr("Copy all as CSV"), self._copy_all),
        ):
            copying = QAction(title, self._table)
            copying.triggered.connect(slot)
            self._table.addAction(copying)
        self._table.addAction(self._columns.menuAction())
        display.columns_changed.connect(self._refill)
        self._offer_kinds(())
        self._kind.currentIndexChanged.connect(self._filter)
        self._lay_out()

    def _lay_out(self) -> None:
        head = ReflowRow()
        head.add(self._title, 1)
        head.add(self._continue)
        filters = QHBoxLayout()
        filters.setSpacing(SPACE)
        filters.addWidget(self._text, 1)
        filters.addWidget(self._kind, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(head)
        layout.addLayout(filters)
        layout.addWidget(self._unknown)
        self._table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._table.setMinimumHeight(_LEAST_LINES * self._table.fontMetrics().lineSpacing())
        layout.addWidget(self._table, 1)

    # Content

    def show_candidates(
        self, run: Run, rows: CandidateRows, token_id: int, logits: RoleLogits | None = None
    ) -> None:
        """Show the candidates of another token, and select the generated one.

        Args:
            run: The run.
            rows: The candidates.
            token_id: The generated token.
            logits: Rows of all tokens of the vocabulary, if they are kept.
        """
        self._logits = logits
        table = self._fill(run, rows)
        place = self._model.row_of(token_id)
        row = self._row_of(token_id)
        if row is not None:
            self._table.go_to(row)
        elif place is not None:
            self._table.clearSelection()
        self._show_title(table, "")

    def show_at_alphas(self, run: Run, rows: CandidateRows, tried: str) -> None:
        """Show the candidates of the same token at other alphas.

        The selection and the scroll position stay.

        Args:
            tried: The other α, as a text for the title.
        """
        with self._table.kept(self._row_of):
            table = self._fill(run, rows)
        self._show_title(table, tried)

    def clear(self) -> None:
        """Show nothing."""
        self._run = self._rows = self._logits = None
        self._model.clear()
        self._show_unknown()

    def set_startable(self, startable: bool, why_not: str = "") -> None:
        """Enable or disable continuing from a candidate.

        Args:
            startable: Whether it is enabled.
            why_not: Why it cannot be had, for its tool tip.
        """
        does = self.tr("Start a branch that continues from the selected candidate (Enter)")
        self._continue.setToolTip(why_not or does)
        self._continue.setEnabled(startable)
        self._continue_action.setEnabled(startable)

    def _fill(self, run: Run, rows: CandidateRows) -> CandidateTable:
        self._run, self._rows = run, rows
        self._show_unknown()
        for wanted in self._looked_up():
            if self._logits is not None and not rows.estimated:
                rows = with_token(rows, self._logits, wanted)
        table = tabulate(rows)
        if run.pair_names != self._pair_names:
            self._pair_names = run.pair_names
            self._offer_kinds(run.pair_names)
            self._columns.offer_pairs(run.pair_names)
        columns = self._model.columnCount()
        toggled = self._display.candidate_columns
        logits = None if rows.estimated else self._logits
        self._model.show(
            rows,
            table,
            run.pair_names,
            run.label,
            toggled,
            logits,
            from_endpoint=run.recipe.base.is_endpoint,
        )
        if self._model.columnCount() != columns:
            self._table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
            self._fit_columns()
        return table

    def _refill(self) -> None:
        """Show the same candidates again: other columns, or another token is looked up."""
        if self._run and self._rows:
            with self._table.kept(self._row_of):
                self._fill(self._run, self._rows)

    def _looked_up(self) -> list[int]:
        """The ids that the filter names, if none of them is among the candidates."""
        run, rows = self._run, self._rows
        if run is None or rows is None:
            return []
        found = ids_of(self._text.text(), run.labels)
        return [] if any(token_id in rows.token_ids for token_id in found) else found

    def _show_title(self, table: CandidateTable, tried: str) -> None:
        title = self.tr("Candidates at {0}").format(tried) if tried else self.tr("Candidates")
        about = ""
        if table.estimated:
            title = self.tr("{0}, estimated").format(title)
            about = self.tr(
                "The logits of this token are not kept: probabilities at another α "
                "are estimated from its candidates."
            )
        elif not table.exact:
            title = self.tr("{0}, contributions approximate").format(title)
            about = self.tr(
                "With more than six pairs, contributions are estimated from "
                "sampled orders of the pairs; their sum is exact."
            )
        self._title.setText(title)
        self._title.setToolTip(about)

    def _row_of(self, token_id: int) -> int | None:
        place = self._model.row_of(token_id)
        if place is None:
            return None
        row = self._proxy.mapFromSource(self._model.index(place, 0)).row()
        return row if row >= 0 else None

    def _fit_columns(self) -> None:
        """Show names of pairs in full if all contributions then have room, or else shortened."""
        metrics = self._table.fontMetrics()
        number = max(metrics.horizontalAdvance(text) for text in ("<0.001", "−0.000", "+0.000"))
        widths = [max(_TOKEN_WIDTH, metrics.horizontalAdvance("“tokens”"))]
        for column in range(1, self._model.columnCount()):
            head = self._table.horizontalHeader().sectionSizeHint(column)
            widths.append(max(number + _PADDING, head))
        shares = [at for at in range(len(widths)) if self._model.is_contribution(at)]
        room = self._table.viewport().width()
        whole = not shares or sum(widths[: shares[-1] + 1]) <= room
        for column, width in enumerate(widths):
            narrow = column in shares and not whole
            self._table.setColumnWidth(column, number + _PADDING if narrow else width)
        self._fitted_to = room

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        # The viewport gets its width after this widget, and another one with a scroll bar.
        viewport = self._table.viewport()
        resized = watched is viewport and event.type() == QEvent.Type.Resize
        if resized and self._model.columnCount() and viewport.width() != self._fitted_to:
            self._fit_columns()
        return super().eventFilter(watched, event)

    # The filter

    def _offer_kinds(self, pair_names: tuple[str, ...]) -> None:
        with QSignalBlocker(self._kind):
            self._kind.clear()
            self._kind.addItem(self.tr("All"), (ShiftSign.ANY, None))
            if pair_names:
                self._kind.addItem(self.tr("Raised"), (ShiftSign.RAISED, None))
                self._kind.addItem(self.tr("Lowered"), (ShiftSign.LOWERED, None))
            if len(pair_names) > 1:
                for pair, name in enumerate(pair_names):
                    self._kind.addItem(self.tr("Mainly by {0}").format(name), (ShiftSign.ANY, pair))
        self._kind.setVisible(bool(pair_names))
        self._filter()

    def _on_text(self) -> None:
        self._refill()
        self._filter()

    def _show_unknown(self) -> None:
        """Say that the token that the filter names has no values, if that is so."""
        wanted = self._looked_up()
        known = self._logits is not None and self._rows and not self._rows.estimated
        self._unknown.setVisible(bool(wanted) and not known)
        if wanted and self._run:
            name = quoted(self._run.label(wanted[0]))
            self._unknown.setText(
                self.tr(
                    "{0} (#{1}) is not among the candidates, and its values are not stored."
                ).format(name, wanted[0])
            )

    def _filter(self) -> None:
        sign, pair = self._kind.currentData()
        self._proxy.set_filter(self._text.text(), sign, pair)
        self._table.scrollTo(self._table.currentIndex())

    # User actions

    def _copy_chosen(self) -> None:
        self._copy(self._table.chosen_rows())

    def _copy_all(self) -> None:
        self._copy(range(self._proxy.rowCount()))

    def _copy(self, rows: Sequence[int]) -> None:
        written = as_csv(self._proxy, rows, SORT_ROLE, "token_id", KEY_ROLE)
        QGuiApplication.clipboard().setText(written)

    def _choose(self, index: QModelIndex) -> None:
        if self._continue.isEnabled():
            self.chosen.emit(int(index.data(KEY_ROLE)))

    def _choose_current(self) -> None:
        index = self._table.currentIndex()
        if index.isValid():
            self._choose(index)
