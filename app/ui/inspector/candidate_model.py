"""The candidates at one token as a table: a model for Qt's item views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush

from app.attribution.candidates import CandidateTable
from app.ui.theme import current_theme
from app.ui.wording import probability, quoted, signed

SORT_ROLE = Qt.ItemDataRole.UserRole
"""The number behind a cell."""
SHARE_ROLE = Qt.ItemDataRole.UserRole + 1
"""A bar to draw behind the cell, from 0 to 1, or None."""

_LONGEST_NAME = 9

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    description: str
    values: Sequence[Any] | NDArray[Any]
    show: Callable[[Any], str]
    pair: int | None = None
    bar: bool = False
    contribution: bool = False


class CandidateModel(QAbstractTableModel):
    """One row for each candidate; columns for every role, every pair's contribution and ranks."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns: list[_Column] = []
        self._token_ids: list[int] = []

    def show(
        self, table: CandidateTable, pair_names: Sequence[str], label: Callable[[int], str]
    ) -> None:
        """Show another token's candidates."""
        self.beginResetModel()
        self._token_ids = [int(token_id) for token_id in table.token_ids]
        self._columns = self._make_columns(table, pair_names, label)
        self.endResetModel()

    def clear(self) -> None:
        self.beginResetModel()
        self._token_ids, self._columns = [], []
        self.endResetModel()

    def row_of(self, token_id: int) -> int:
        """The row of a token that is in the table."""
        return self._token_ids.index(token_id)

    def is_contribution(self, column: int) -> bool:
        """Whether a column says what a pair gave or took."""
        return self._columns[column].contribution

    def _make_columns(
        self, table: CandidateTable, names: Sequence[str], label: Callable[[int], str]
    ) -> list[_Column]:
        tr = self.tr
        columns = [
            _Column(tr("token"), tr("The candidate"), [label(i) for i in self._token_ids], quoted),
            _Column(
                tr("tuned"), tr("Probability after tuning"), table.p_tuned, probability, bar=True
            ),
            _Column(tr("base"), tr("Probability under the base"), table.p_base, probability),
        ]
        approximate = "" if table.exact else tr(" (approximate: sampled permutations)")
        for pair, name in enumerate(names):
            about = tr("What {0} gave or took").format(name) + approximate
            shares = table.contributions[pair]
            columns.append(_Column(name, about, shares, signed, pair, contribution=True))
        for pair, name in enumerate(names):
            about = tr("Probability under the {0} of {1}")
            columns.append(
                _Column(
                    tr("{0}: expert").format(_short(name)),
                    about.format(tr("expert"), name),
                    table.p_experts[pair],
                    probability,
                    pair,
                )
            )
            columns.append(
                _Column(
                    tr("{0}: anti").format(_short(name)),
                    about.format(tr("anti-expert"), name),
                    table.p_antiexperts[pair],
                    probability,
                    pair,
                )
            )
        ranks = ((tr("rank"), table.rank_tuned), (tr("base rank"), table.rank_base))
        for title, values in ranks:
            columns.append(_Column(title, tr("1 is the most probable"), values, str))
        return columns

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else len(self._token_ids)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = self._columns[index.column()]
        value = column.values[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.show(value)
        if role == SORT_ROLE:
            return value if isinstance(value, str) else float(value)
        if role == SHARE_ROLE:
            return float(value) if column.bar else None
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and column.pair is not None:
            return QBrush(current_theme().pair_color(column.pair))
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{column.description}: {column.show(value)}"
        return None

    def headerData(  # noqa: N802 — Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self._columns):
            return None
        column = self._columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.description
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == 0 else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


def _short(name: str) -> str:
    """A name that leaves room for the other columns."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
