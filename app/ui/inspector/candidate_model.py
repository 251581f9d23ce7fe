"""Table model of the candidates at one token, for Qt's item views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QColor

from app.attribution.candidates import TOP_ROLE, CandidateRows, CandidateTable
from app.attribution.plot_parts import pair_part
from app.attribution.role_ranks import LOW_RANK, ranks_of_roles
from app.attribution.row_statistics import Floats
from app.decoding.types import RoleLogits
from app.ui.theme import current_theme
from app.ui.widgets.bar_delegate import BAR_ROLE, SORT_ROLE, Bar
from app.ui.widgets.number_table import KEY_ROLE
from app.ui.widgets.plain_tip import plain_tip
from app.wording import decimals, probability, quoted, signed

_LONGEST_NAME = 9
_LEAST_SCALE = 0.005
"""Minimum of the contribution that fills half a cell, so that tiny contributions look tiny."""

BASE_GROUP, SHARES_GROUP, ROLES_GROUP, RANKS_GROUP = "base", "contributions", "roles", "ranks"
IDS_GROUP, LOGS_GROUP, LOGITS_GROUP = "ids", "logs", "logits"
ROLE_RANKS_GROUP = "role-ranks"
EXTRA_GROUPS = (IDS_GROUP, LOGS_GROUP, LOGITS_GROUP, ROLE_RANKS_GROUP)
"""Groups of columns that are hidden at first."""

_Values = tuple[str, NDArray[Any], int | None]
"""Title, values and pair of a column."""

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table.

    Attributes:
        pair: Index of the pair that the column belongs to, or None.
        scale: Value whose bar fills the cell; 0 for no bars.
        contribution: Whether the column has contributions of the pair.
        group: Which columns are shown and hidden together with this one.
    """

    title: str
    description: str
    values: Sequence[Any] | NDArray[Any]
    show: Callable[[Any], str]
    pair: int | None = None
    scale: float = 0.0
    contribution: bool = False
    group: str = ""


class CandidateModel(QAbstractTableModel):
    """One row per candidate, with its probabilities, contributions and ranks."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns: list[_Column] = []
        self._token_ids: list[int] = []
        self._table: CandidateTable | None = None

    def show(
        self,
        rows: CandidateRows,
        table: CandidateTable,
        pair_names: Sequence[str],
        label: Callable[[int], str],
        toggled: Collection[str] = (),
        logits: RoleLogits | None = None,
        *,
        from_endpoint: bool = False,
    ) -> None:
        """Show another token's candidates.

        Args:
            rows: The logits of the candidates.
            table: Their probabilities.
            pair_names: Names of the pairs; empty for a run of one role.
            label: Returns the text of a token id.
            toggled: Groups of columns that are shown or hidden unlike at first, and pairs whose
                columns are hidden (:func:`pair_part`).
            logits: Rows of all tokens of the vocabulary, if they are kept.
            from_endpoint: Whether the base is behind an endpoint.
        """
        self.beginResetModel()
        self._table = table
        self._token_ids = [int(token_id) for token_id in table.token_ids]
        columns = self._make_columns(table, pair_names, label)
        columns += self._extra_columns(rows, table, pair_names)
        if ROLE_RANKS_GROUP in toggled:  # takes passes over the rows of all roles
            ranks = ranks_of_roles(rows, logits, from_endpoint=from_endpoint)
            columns += self._rank_columns(ranks, pair_names)
        # the menu offers to hide a pair, and to show it again, only where there are several
        hidden = toggled if len(pair_names) > 1 else ()
        self._columns = [
            column
            for column in columns
            if (not column.group or (column.group in toggled) == (column.group in EXTRA_GROUPS))
            and (column.pair is None or pair_part(pair_names[column.pair]) not in hidden)
        ]
        self.endResetModel()

    def clear(self) -> None:
        """Show nothing."""
        self.beginResetModel()
        self._table, self._token_ids, self._columns = None, [], []
        self.endResetModel()

    def row_of(self, token_id: int) -> int | None:
        """The row of a token, or None if it is not a candidate."""
        return self._token_ids.index(token_id) if token_id in self._token_ids else None

    def is_contribution(self, column: int) -> bool:
        """Whether a column has contributions of a pair."""
        return self._columns[column].contribution

    def name(self, row: int) -> str:
        """Text of the candidate."""
        return str(self._columns[0].values[row])

    def token_id(self, row: int) -> int:
        """The candidate's id."""
        return self._token_ids[row]

    def shift(self, row: int) -> float:
        """The shift of the candidate: p_tuned − p_base."""
        return 0.0 if self._table is None else float(self._table.p_tuned[row] - self._p_base(row))

    def strongest_pair(self, row: int) -> int | None:
        """The pair with the largest contribution, or None for a run without pairs."""
        if self._table is None or not len(self._table.contributions):
            return None
        return int(np.abs(self._table.contributions[:, row]).argmax())

    def _p_base(self, row: int) -> float:
        return 0.0 if self._table is None else float(self._table.p_base[row])

    # Columns

    def _make_columns(
        self, table: CandidateTable, names: Sequence[str], label: Callable[[int], str]
    ) -> list[_Column]:
        token = _Column(
            self.tr("token"), self.tr("Candidate"), [label(i) for i in self._token_ids], quoted
        )
        if not names:
            return [
                token,
                _Column(
                    self.tr("probability"),
                    self.tr("Probability"),
                    table.p_tuned,
                    probability,
                    None,
                    1,
                ),
                _Column(
                    self.tr("rank"), self.tr("Rank, from the most probable"), table.rank_tuned, str
                ),
            ]
        tuned = self.tr("Probability after tuning")
        if table.estimated:
            tuned = self.tr("Probability after tuning, estimated from the candidates")
        return [
            token,
            _Column(self.tr("tuned"), tuned, table.p_tuned, probability, None, 1),
            _Column(
                self.tr("base"),
                self.tr("Probability under the base"),
                table.p_base,
                probability,
                group=BASE_GROUP,
            ),
            *self._contribution_columns(table, names),
            *self._expert_columns(table, names),
            _Column(
                self.tr("rank"),
                self.tr("Rank after tuning"),
                table.rank_tuned,
                str,
                group=RANKS_GROUP,
            ),
            _Column(
                self.tr("base rank"),
                self.tr("Rank under the base"),
                table.rank_base,
                str,
                group=RANKS_GROUP,
            ),
        ]

    def _extra_columns(
        self, rows: CandidateRows, table: CandidateTable, names: Sequence[str]
    ) -> list[_Column]:
        """Columns that are hidden at first: the ids, log-probabilities and logits."""
        logs: list[_Values] = [(self.tr("log p tuned"), table.p_tuned, None)]
        logits: list[_Values] = [(self.tr("logit tuned"), rows.tuned(rows.alphas), None)]
        if names:
            logs.append((self.tr("log p base"), table.p_base, None))
            logits.append((self.tr("logit base"), rows.base, None))
        for pair, name in enumerate(names):
            for title, odds, row in (
                (self.tr("{0}: expert"), table.p_experts, rows.experts),
                (self.tr("{0}: anti"), table.p_antiexperts, rows.antiexperts),
            ):
                role = title.format(_short(name))
                logs.append((self.tr("log p {0}").format(role), odds[pair], pair))
                logits.append((self.tr("logit {0}").format(role), row[pair], pair))
        in_nats = self.tr("Natural logarithm of the probability")
        with np.errstate(divide="ignore"):
            made = [
                _Column(title, in_nats, np.log(odds), decimal, pair, group=LOGS_GROUP)
                for title, odds, pair in logs
            ]
        raw = self.tr("Raw logit, before sampling settings")
        made += [
            _Column(title, raw, row, decimal, pair, group=LOGITS_GROUP)
            for title, row, pair in logits
        ]
        ids = _Column(self.tr("id"), self.tr("Token id"), self._token_ids, str, group=IDS_GROUP)
        return [ids, *made]

    def _rank_columns(self, ranks: tuple[Floats, Floats], names: Sequence[str]) -> list[_Column]:
        about = self.tr("Rank under this role alone")
        titles = self.tr("{0}: expert"), self.tr("{0}: anti")
        columns = []
        for pair, name in enumerate(names):
            for title, of_role in zip(titles, ranks, strict=True):
                name_of_role = title.format(_short(name))
                named = self.tr("rank {0}").format(name_of_role)
                columns.append(
                    _Column(named, about, of_role[pair], rank_text, pair, group=ROLE_RANKS_GROUP)
                )
        return columns

    def _contribution_columns(self, table: CandidateTable, names: Sequence[str]) -> list[_Column]:
        about = self.tr("Contribution of {0} to p(tuned) − p(base)")
        if not table.exact:
            about = self.tr(
                "Contribution of {0} to p(tuned) − p(base), approximate: estimated from "
                "sampled orders of the pairs"
            )
        elif table.estimated:
            about = self.tr(
                "Contribution of {0} to p(tuned) − p(base), estimated from the candidates"
            )
        scale = max(float(np.abs(table.contributions).max(initial=0.0)), _LEAST_SCALE)
        return [
            _Column(name, about.format(name), shares, signed, pair, scale, True, SHARES_GROUP)
            for pair, (name, shares) in enumerate(zip(names, table.contributions, strict=True))
        ]

    def _expert_columns(self, table: CandidateTable, names: Sequence[str]) -> list[_Column]:
        columns = []
        for pair, name in enumerate(names):
            for title, about, values in (
                (
                    self.tr("{0}: expert"),
                    self.tr("Probability under the expert of {0}"),
                    table.p_experts,
                ),
                (
                    self.tr("{0}: anti"),
                    self.tr("Probability under the anti-expert of {0}"),
                    table.p_antiexperts,
                ),
            ):
                columns.append(
                    _Column(
                        title.format(_short(name)),
                        about.format(name),
                        values[pair],
                        probability,
                        pair,
                        group=ROLES_GROUP,
                    )
                )
        return columns

    # QAbstractTableModel

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
        if role == KEY_ROLE:
            return self._token_ids[index.row()]
        if role == BAR_ROLE and column.scale:
            length = float(value) / column.scale
            return Bar(length, self._color(column), signed=column.contribution)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and column.pair is not None and not column.scale:
            return QBrush(self._color(column))
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            said = self.tr("{0}: {1}").format(column.description, column.show(value))
            return plain_tip(said) if role == Qt.ItemDataRole.ToolTipRole else said
        return None

    def _color(self, column: _Column) -> QColor:
        theme = current_theme()
        return QColor(theme.muted) if column.pair is None else theme.pair_color(column.pair)

    def headerData(  # noqa: N802 — Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self._columns):
            return None
        column = self._columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return column.description
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == 0 else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


def decimal(value: float) -> str:
    """A logit or a log-probability with two decimals."""
    return decimals(value, 2)


def rank_text(rank: float) -> str:
    """A rank, a bound where the rows that it needs are not kept, or a dash if it is unknown."""
    if isnan(rank):
        return "–"
    return f">{TOP_ROLE}" if rank == LOW_RANK else f"{rank:.0f}"


def _short(name: str) -> str:
    """A shortened name, so that other columns fit."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
