"""The right-hand column: everything about the selected token."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, QSortFilterProxyModel, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.attribution.candidates import CandidateRows, tabulate
from app.ui.inspector.candidate_delegate import CandidateDelegate
from app.ui.inspector.candidate_model import SORT_ROLE, CandidateModel
from app.ui.run import Run, Token
from app.ui.session import Session
from app.ui.theme import SMALL, SPACE, current_theme
from app.ui.wording import probability, quoted, signed

if TYPE_CHECKING:
    from app.ui.inspector.alpha_curve_view import AlphaCurveView

_HEADING = 1.5
_TOKEN_WIDTH = 84


class Inspector(QFrame):
    """The selected token: what became of its probability, by whom, and its alternatives."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setProperty("role", "side")
        self._heading = QLabel()
        self._heading.setTextFormat(Qt.TextFormat.PlainText)
        _scale_font(self._heading, _HEADING)
        self._place = _caption()
        self._story = QLabel()
        self._story.setWordWrap(True)
        self._story.setTextFormat(Qt.TextFormat.PlainText)
        self._shares = ContributionBars()
        self._entropies = _caption()
        self._candidates_title = _section("")
        self._model = CandidateModel(self)
        self._table = self._make_table()
        self._curve: AlphaCurveView | None = None
        self._curve_place = QVBoxLayout()
        self._empty = QLabel(
            self.tr(
                "Select a token in the text or in the plot to see what else was possible there."
            )
        )
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "caption")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setMargin(2 * SPACE)
        self._stack = QStackedLayout()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE)
        outer.addLayout(self._stack)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._lay_out())
        session.selection.changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(340, 600)

    def _lay_out(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._heading)
        layout.addWidget(self._place)
        layout.addSpacing(SPACE // 2)
        layout.addWidget(self._story)
        layout.addSpacing(SPACE)
        layout.addWidget(_section(self.tr("What each pair gave or took")))
        layout.addWidget(self._shares)
        layout.addSpacing(SPACE)
        layout.addWidget(self._candidates_title)
        layout.addWidget(self._table, 1)
        layout.addWidget(self._entropies)
        layout.addSpacing(SPACE)
        layout.addLayout(self._curve_place)
        return page

    def _make_table(self) -> QTableView:
        proxy = QSortFilterProxyModel(self)
        proxy.setSourceModel(self._model)
        proxy.setSortRole(SORT_ROLE)
        table = QTableView()
        table.setModel(proxy)
        table.setItemDelegate(CandidateDelegate(table))
        table.setSortingEnabled(True)
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + SPACE)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        table.horizontalHeader().setMinimumSectionSize(2 * SPACE)
        table.horizontalHeader().setSortIndicatorClearable(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # as the model has them
        table.setAccessibleName(self.tr("Candidates at the selected token"))
        return table

    def _update(self) -> None:
        run, selected = self._session.runs.current, self._session.selection.token
        if run is None or selected is None:
            self._model.clear()
            self._stack.setCurrentIndex(0)
            return
        self._show(run, run.tokens[selected])
        self._stack.setCurrentIndex(1)

    def _show(self, run: Run, token: Token) -> None:
        explained = token.attribution
        self._heading.setText(quoted(token.text or run.label(token.token_id)))
        self._place.setText(
            self.tr("token {0} · rank {1} (base {2})").format(
                token.index + 1, f"{explained.rank_tuned:,}", f"{explained.rank_base:,}"
            )
        )
        self._story.setText(self._tell(run, token))
        self._shares.show_shares(run.pair_names, explained.contributions)
        self._entropies.setText(
            self.tr("Entropy: base {0} bits, tuned {1} bits · KL(tuned‖base) {2} bits").format(
                *(
                    f"{nats / math.log(2):.2f}"
                    for nats in (explained.entropy_base, explained.entropy_tuned, explained.kl)
                )
            )
        )
        self._candidates_title.setText(self.tr("Candidates"))
        self._show_candidates(run, token, run.candidates(token.index))
        self._curve_view().show_token(run, token)

    def _curve_view(self) -> AlphaCurveView:
        """Made for the first token: its library takes a while to import, the first paint waits."""
        if self._curve is None:
            from app.ui.inspector.alpha_curve_view import AlphaCurveView

            self._curve = AlphaCurveView()
            self._curve.alpha_tried.connect(self._try_alpha)
            self._curve_place.addWidget(self._curve)
        return self._curve

    def _try_alpha(self, pair: int, alpha: float) -> None:
        """Show what the candidates would have been with another weight of one pair."""
        run, selected = self._session.runs.current, self._session.selection.token
        if run is None or selected is None:
            return
        token = run.tokens[selected]
        alphas = tuple(alpha if i == pair else a for i, a in enumerate(token.alphas))
        rows = run.rows.candidates_at(selected, alphas)
        title = self.tr("Candidates with {0} at {1}").format(run.pair_names[pair], f"{alpha:.2f}")
        self._candidates_title.setText(
            self.tr("Candidates") if alphas == token.alphas else title.replace("-", "−")
        )
        self._show_candidates(run, token, rows)

    def _show_candidates(self, run: Run, token: Token, rows: CandidateRows) -> None:
        columns = self._model.columnCount()
        self._model.show(tabulate(rows), run.pair_names, run.label)
        if self._model.columnCount() != columns:
            self._table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
            self._fit_columns()
        proxy = self._table.model()
        if isinstance(proxy, QSortFilterProxyModel):
            row = self._model.index(self._model.row_of(token.token_id), 0)
            self._table.selectRow(proxy.mapFromSource(row).row())

    def _fit_columns(self) -> None:
        """The pairs' columns are seen at once: as narrow as numbers, whatever the names."""
        metrics = self._table.fontMetrics()
        number = metrics.horizontalAdvance("<0.001")
        self._table.setColumnWidth(0, _TOKEN_WIDTH)
        for column in range(1, self._model.columnCount()):
            head = str(self._model.headerData(column, Qt.Orientation.Horizontal))
            narrow = self._model.is_contribution(column)
            wide = number if narrow else max(number, metrics.horizontalAdvance(head))
            self._table.setColumnWidth(column, wide + SPACE + 4)

    def _tell(self, run: Run, token: Token) -> str:
        explained = token.attribution
        story = self.tr("base {0} → tuned {1}").format(
            probability(explained.p_base), probability(explained.p_tuned)
        )
        if explained.flipped:
            choice = quoted(run.label(explained.argmax_base))
            story += self.tr("; the experts changed the first choice (base: {0})").format(choice)
        alphas = ", ".join(
            f"{name} {alpha:g}" for name, alpha in zip(run.pair_names, token.alphas, strict=True)
        )
        return story + "\n" + self.tr("α: {0}").format(alphas)


class ContributionBars(QWidget):
    """A small signed bar for each pair, in the pair's colour, with its name and number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: Sequence[str] = ()
        self._shares: Sequence[float] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("What each pair gave or took"))

    def show_shares(self, names: Sequence[str], shares: Sequence[float]) -> None:
        """Show the contribution of each pair, in probability."""
        self._names, self._shares = names, shares
        self.setAccessibleDescription(
            "; ".join(f"{name} {signed(share)}" for name, share in zip(names, shares, strict=True))
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(200, self._row_height() * len(self._names))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return self.sizeHint()

    def _row_height(self) -> int:
        return self.fontMetrics().height() + SPACE // 2

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme, metrics = current_theme(), self.fontMetrics()
        painter = QPainter(self)
        name_width = round(self.width() * 0.36)
        number_width = metrics.horizontalAdvance("+0.0000")
        left, right = name_width + SPACE, self.width() - number_width - SPACE
        middle, half = (left + right) // 2, (right - left) // 2
        height = self._row_height()
        painter.setPen(theme.border)
        painter.drawLine(middle, 0, middle, height * len(self._names))
        for row, (name, share) in enumerate(zip(self._names, self._shares, strict=True)):
            top, bar = row * height, round(half * min(max(share, -1.0), 1.0))
            painter.fillRect(middle, top + 3, bar, height - 6, theme.pair_color(row))
            painter.setPen(theme.text)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, name_width)
            painter.drawText(0, top, name_width, height, Qt.AlignmentFlag.AlignVCenter, shown)
            painter.drawText(
                right + SPACE,
                top,
                number_width,
                height,
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                signed(share),
            )

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


def _caption() -> QLabel:
    label = QLabel()
    label.setProperty("role", "caption")
    label.setWordWrap(True)
    _scale_font(label, SMALL)
    return label


def _section(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "section")
    return label


def _scale_font(label: QLabel, factor: float) -> None:
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * factor)
    label.setFont(font)
