"""Table model of the prompts of all roles side by side, aligned token by token."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QColor, QFont
from PySide6.QtWidgets import QWidget

from app.attribution.prompt_alignment import AlignedRow
from app.attribution.scored_prompt import PromptToken
from app.ui.recipe.prompt_token_model import tint_of
from app.ui.theme import current_theme
from app.wording import quoted

_Index = QModelIndex | QPersistentModelIndex
_DIFFERENT = "≠"
TokenKey = tuple[int, str]
"""What two tokens have in common if they are the same."""


def key_of(token: PromptToken) -> TokenKey:
    """Id and text of a token: parts of a character have the same text, and other ids."""
    return token.token_id, token.text


class AlignedPromptsModel(QAbstractTableModel):
    """A column for each prompt and a row for each token; a gap where a prompt has none.

    The header of a row in which the prompts differ has a mark.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._titles: Sequence[str] = ()
        self._prompts: Sequence[Sequence[PromptToken]] = ()
        self._rows: Sequence[AlignedRow] = ()
        self._different: list[bool] = []

    def show_prompts(
        self,
        titles: Sequence[str],
        prompts: Sequence[Sequence[PromptToken]],
        rows: Sequence[AlignedRow],
    ) -> None:
        """Show prompts that were aligned with ``align_prompts``."""
        self.beginResetModel()
        self._titles, self._prompts, self._rows = titles, prompts, rows
        self._different = [
            len({None if at is None else key_of(prompts[column][at]) for column, at in places}) > 1
            for places in map(enumerate, rows)
        ]
        self.endResetModel()

    @property
    def differences(self) -> int:
        """The number of rows in which the prompts differ."""
        return sum(self._different)

    def differs(self, row: int) -> bool:
        """Whether the prompts differ in a row."""
        return self._different[row]

    def token_at(self, index: _Index) -> PromptToken | None:
        """The token of a cell; None in a gap."""
        if not index.isValid():
            return None
        place = self._rows[index.row()][index.column()]
        return None if place is None else self._prompts[index.column()][place]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802 — Qt's
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802 — Qt's
        return 0 if parent.isValid() else len(self._titles)

    def headerData(  # noqa: N802 — Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        across = orientation is Qt.Orientation.Horizontal
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) and across:
            return self._titles[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return _DIFFERENT if self._different[section] else ""
        if role == Qt.ItemDataRole.TextAlignmentRole and across:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        token = self.token_at(index)
        if token is None:
            return self._gap(role)
        if role == Qt.ItemDataRole.DisplayRole:
            return quoted(token.text)
        if role == Qt.ItemDataRole.BackgroundRole:
            return tint_of(token)
        if role == Qt.ItemDataRole.FontRole and self._different[index.row()]:
            font = QFont()
            font.setBold(True)
            return font
        return None

    def _gap(self, role: int) -> object:
        if role == Qt.ItemDataRole.BackgroundRole:
            return QBrush(QColor(current_theme().border), Qt.BrushStyle.BDiagPattern)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.tr("no token")
        return None
