"""Changes tab: table of the tokens, with the largest shift first."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.ui.changes.change_model import HIDDEN, POSITION, PROBABILITY, SHIFT, TOKEN, ChangeModel
from app.ui.state.runs.change_order import ChangeFilter
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.number_table import KEY_ROLE, NumberTable


class ChangesPanel(QFrame):
    """Table of the tokens with a filter; selecting a row selects its token in all views."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "side")
        self._session = session
        self._changes = session.changes
        self._stale = True
        self._pair_names: tuple[str, ...] | None = None
        self._model = ChangeModel(self._changes)
        self._title = QLabel(self.tr("Flips first, then by size of shift"))
        self._title.setProperty("role", "section")
        self._title.setWordWrap(True)
        self._count = QLabel()
        self._count.setProperty("role", "caption")
        self._count.setWordWrap(True)
        self._filters = QWidget()
        self._text = QLineEdit()
        self._text.setPlaceholderText(self.tr("Filter"))
        self._text.setAccessibleName(self.tr("Filter the tokens by text"))
        self._text.setClearButtonEnabled(True)
        self._text.textChanged.connect(self._filter)
        self._kind = ChoiceBox()
        self._kind.setAccessibleName(self.tr("Which tokens to list"))
        self._kind.currentIndexChanged.connect(self._filter)
        self._table = NumberTable(
            self._model,
            self.tr("Tokens ordered by the size of their shift"),
            two_lines=True,
            wide=TOKEN,
        )
        self._table.chosen.connect(self._select)
        self._table.moved.connect(self._select)
        self._table.clicked.connect(self._select)
        self._empty = QLabel()
        self._empty.setProperty("role", "caption")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setMargin(2 * SPACE)
        self._lay_out()
        self._changes.replaced.connect(self._refresh)
        self._changes.grown.connect(self._refresh)
        session.selection.changed.connect(self._show_selection)
        self._refresh()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(340, 600)

    def _lay_out(self) -> None:
        filters = QHBoxLayout(self._filters)
        filters.setContentsMargins(0, SPACE // 2, 0, 0)
        filters.setSpacing(SPACE)
        filters.addWidget(self._text, 1)
        filters.addWidget(self._kind, 1)
        for column in HIDDEN:
            self._table.setColumnHidden(column, True)
        metrics = self._table.fontMetrics()
        for column, widest in (
            (POSITION, "1,000"),
            (PROBABILITY, "<0.001 → 0.123"),
            (SHIFT, "+99.99"),
        ):
            self._table.setColumnWidth(column, metrics.horizontalAdvance(widest) + SPACE + 4)
        place = QWidget()
        place.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._stack = QStackedLayout(place)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._title)
        layout.addWidget(self._count)
        layout.addWidget(self._filters)
        layout.addWidget(place, 1)

    # Content

    def _refresh(self) -> None:
        if not self.isVisible():
            self._stale = True  # behind another tab; updated when the tab is shown
            return
        self._stale = False
        run = self._changes.run
        names = run.pair_names if run else ()
        if names != self._pair_names or self._chosen_filter() != self._changes.filter:
            self._pair_names = names
            self._offer_kinds(names)
        with self._table.kept(self._model.row_of):
            self._model.refresh()
        text = self._describe_count()
        self._count.setText(text)
        self._count.setVisible(bool(text))
        self._filters.setVisible(bool(text))
        self._empty.setText(self._describe_empty())
        self._stack.setCurrentWidget(self._table if self._model.rowCount() else self._empty)
        self._show_selection()

    def _describe_count(self) -> str:
        run = self._changes.run
        if run is None or not run.tokens or not run.pair_names:
            return ""
        flips = self._changes.flips
        text = self.tr("{0} of {1} tokens are flips ({2} %)").format(
            f"{flips:,}", f"{len(run.tokens):,}", f"{100 * flips / len(run.tokens):.0f}"
        )
        listed = self._model.rowCount()
        if listed == len(run.tokens):
            return text
        return self.tr("{0}; {1} listed").format(text, f"{listed:,}")

    def _describe_empty(self) -> str:
        run = self._changes.run
        if run is None or not run.tokens:
            return self.tr("Press Generate to see which tokens the experts shifted most.")
        if not run.pair_names:
            return self.tr("One role generated this run alone, so there are no shifts.")
        return self.tr("No token matches the filter.")

    def _show_selection(self) -> None:
        """Select the row of the selected token."""
        if self._stale:
            return
        index = self._session.selection.token
        row = None if index is None else self._model.row_of(index)
        if row is None:
            self._table.clearSelection()
        elif row != self._table.currentIndex().row() or row not in self._table.chosen_rows():
            self._table.go_to(row)

    # User actions

    def _select(self, index: QModelIndex) -> None:
        self._session.selection.select(int(index.data(KEY_ROLE)))

    def _offer_kinds(self, names: tuple[str, ...]) -> None:
        chosen = self._changes.filter
        with QSignalBlocker(self._kind), QSignalBlocker(self._text):
            self._kind.clear()
            self._kind.addItem(self.tr("All"), (False, None))
            self._kind.addItem(self.tr("Flips"), (True, None))
            if len(names) > 1:
                for pair, name in enumerate(names):
                    self._kind.addItem(self.tr("Mainly by {0}").format(name), (False, pair))
            places = [self._kind.itemData(place) for place in range(self._kind.count())]
            wanted = (chosen.flips, chosen.pair)
            self._kind.setCurrentIndex(places.index(wanted) if wanted in places else 0)
            self._text.setText(chosen.text)

    def _chosen_filter(self) -> ChangeFilter:
        flips, pair = self._kind.currentData() or (False, None)
        return ChangeFilter(self._text.text(), flips, pair)

    def _filter(self) -> None:
        self._changes.set_filter(self._chosen_filter())

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 — Qt's name
        super().showEvent(event)
        if self._stale:
            self._refresh()
