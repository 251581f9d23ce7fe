"""Table model of a small table of numbers that is replaced as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app.ui.theme import current_theme
from app.ui.widgets.bar_delegate import BAR_ROLE, Bar
from app.ui.widgets.number_table import KEY_ROLE
from app.ui.widgets.plain_tip import plain_tip

_NOWHERE = QModelIndex()
_Role = Qt.ItemDataRole
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Heading:
    """Heading of a column: its title, its tool tip, and whether the column has numbers."""

    title: str
    about: str = ""
    number: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """Content of a cell.

    Attributes:
        about: Tool tip.
        length: Length of the bar, 0 to 1, or −1 to 1 if ``signed``; None for no bar.
        pair: Index of the pair whose colour the bar and the mark have; None for grey.
        marked: Whether a mark in that colour precedes the text.
    """

    text: str
    about: str = ""
    length: float | None = None
    signed: bool = False
    pair: int | None = None
    marked: bool = False


class FiguresModel(QAbstractTableModel):
    """Table of cells under headings; the first column has the names of the rows."""

    def __init__(self, headings: Sequence[Heading], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._headings = list(headings)
        self._rows: list[list[Cell]] = []

    def show(self, rows: Sequence[Sequence[Cell]], headings: Sequence[Heading] = ()) -> None:
        """Replace the rows, and the headings if any are given."""
        self.beginResetModel()
        self._headings = list(headings) or self._headings
        self._rows = [list(row) for row in rows]
        self.endResetModel()

    def row_of(self, name: str) -> int | None:
        """The row with this name, or None."""
        return next((row for row, cells in enumerate(self._rows) if cells[0].text == name), None)

    def rowCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else len(self._headings)

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:
        cell, heading = self._rows[index.row()][index.column()], self._headings[index.column()]
        if role == _Role.DisplayRole:
            return cell.text
        if role == KEY_ROLE:
            return self._rows[index.row()][0].text
        if role == _Role.ToolTipRole:
            return plain_tip(cell.about or heading.about) or None
        if role == _Role.AccessibleTextRole and index.column():
            named = self.tr("{0}, {1}: {2}")
            return named.format(self._rows[index.row()][0].text, heading.title, cell.text)
        if role == _Role.DecorationRole and cell.marked and cell.pair is not None:
            return current_theme().pair_color(cell.pair)
        if role == BAR_ROLE and cell.length is not None:
            theme = current_theme()
            color = QColor(theme.muted) if cell.pair is None else theme.pair_color(cell.pair)
            return Bar(cell.length, color, cell.signed)
        if role == _Role.TextAlignmentRole and heading.number:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(  # noqa: N802 — Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        heading = self._headings[section]
        if role == _Role.DisplayRole:
            return heading.title
        if role == _Role.ToolTipRole:
            return heading.about or None
        if role == _Role.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if heading.number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None
