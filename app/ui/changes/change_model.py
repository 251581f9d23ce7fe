"""Table model of the tokens ordered by the size of their shift, for Qt's item views."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT
from app.ui.state.runs.change_order import Changes, Order
from app.ui.state.runs.run import Run
from app.ui.theme import current_theme
from app.ui.widgets.bar_delegate import (
    BAR_ROLE,
    DETAIL_COLOR_ROLE,
    DETAIL_ROLE,
    UNDERLINE_ROLE,
    Bar,
)
from app.ui.widgets.number_table import KEY_ROLE
from app.ui.widgets.plain_tip import plain_tip
from app.wording import probability, quoted, signed

POSITION, TOKEN, PROBABILITY, SHIFT, PAIR, BASE_CHOICE = range(6)
HIDDEN = (PAIR, BASE_CHOICE)
"""Columns that only copies contain; in the view, second lines of other columns show them."""

_FULL_SHIFT = 6.0
"""Shift in bits whose bar fills half a cell."""
_AT_RIGHT = (POSITION, SHIFT)
_NOWHERE = QModelIndex()

_Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole


class ChangeModel(QAbstractTableModel):
    """One row for each token that matches the filter."""

    def __init__(self, changes: Changes) -> None:
        super().__init__(changes)
        self._changes = changes
        self._order: Order = np.empty(0, np.intp)
        self._run: Run | None = None

    def refresh(self) -> None:
        """Take the current order from ``Changes``."""
        self.beginResetModel()
        self._run = self._changes.run
        self._order = self._changes.order()
        self.endResetModel()

    def row_of(self, index: int) -> int | None:
        """The row of a token, or None if the filter excludes it."""
        (rows,) = (self._order == index).nonzero()
        return int(rows[0]) if len(rows) else None

    # Cells

    def _text(self, run: Run, token: ExplainedToken, column: int) -> str:
        explained = token.attribution
        if column == POSITION:
            return f"{token.index + 1:,}"
        if column == TOKEN:
            return quoted(run.label(token.token_id))
        if column == PROBABILITY:
            before, after = probability(explained.p_base), probability(explained.p_tuned)
            return self.tr("{0} → {1}").format(before, after)
        if column == SHIFT:
            return signed(explained.shift / BIT)
        if column == PAIR:
            return run.pair_names[self._changes.strongest_pair(token.index)]
        return self._base_choice(run, token)

    def _base_choice(self, run: Run, token: ExplainedToken) -> str:
        """At a flip the base's most probable token, otherwise an empty text."""
        explained = token.attribution
        return quoted(run.label(explained.argmax_base)) if explained.flipped else ""

    def _detail(self, run: Run, token: ExplainedToken, column: int) -> str | None:
        if column == TOKEN:
            choice = self._base_choice(run, token)
            return self.tr("base: {0}").format(choice) if choice else ""
        if column == PROBABILITY:
            return self._text(run, token, PAIR)
        return "" if column == SHIFT else None

    def _sentence(self, run: Run, token: ExplainedToken) -> str:
        """Describe a row in a sentence."""
        text = self.tr(
            "Token {0}, {1}: base → tuned {2}, shift {3} bits, largest contribution by {4}"
        )
        if token.attribution.flipped:
            text = self.tr(
                "Token {0}, {1}: base → tuned {2}, shift {3} bits, largest contribution by "
                "{4}; a flip: most probable under the base was {5}"
            )
        return text.format(*(self._text(run, token, column) for column in range(6)))

    # QAbstractTableModel

    def rowCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else 6

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:
        if self._run is None:
            return None
        run, column = self._run, index.column()
        token = run.tokens[int(self._order[index.row()])]
        if role == _Role.DisplayRole:
            return self._text(run, token, column)
        if role == KEY_ROLE:
            return token.index
        if role == DETAIL_ROLE:
            return self._detail(run, token, column)
        if role == DETAIL_COLOR_ROLE and column == PROBABILITY:
            return current_theme().pair_color(self._changes.strongest_pair(token.index))
        if role == BAR_ROLE and column == SHIFT:
            theme, shift = current_theme(), token.attribution.shift / BIT
            return Bar(
                shift / _FULL_SHIFT, QColor(theme.more if shift > 0 else theme.less), signed=True
            )
        if role == UNDERLINE_ROLE:
            return column == TOKEN and token.attribution.flipped
        if role == _Role.TextAlignmentRole and column in _AT_RIGHT:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == _Role.ToolTipRole:
            return plain_tip(self._sentence(run, token))
        if role == _Role.AccessibleTextRole:
            return self._sentence(run, token)
        return None

    def headerData(  # noqa: N802 — Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == _Role.DisplayRole:
            return self._titles()[section]
        if role == _Role.ToolTipRole and section == SHIFT:
            return self.tr(
                "log p(tuned) − log p(base) in bits: one bit is a factor of 2 in probability"
            )
        if role == _Role.TextAlignmentRole:
            right = section in _AT_RIGHT
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def _titles(self) -> tuple[str, ...]:
        return (
            self.tr("#"),
            self.tr("token"),
            self.tr("base → tuned"),
            self.tr("shift"),
            self.tr("main pair"),
            self.tr("base's argmax"),
        )
