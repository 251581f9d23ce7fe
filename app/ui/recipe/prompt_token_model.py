"""Table model of the tokens of a prompt, with what the model that reads it makes of each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from app.attribution.measures import Measure
from app.attribution.scored_prompt import PromptToken
from app.attribution.tint_scale import Tint
from app.ui.state.runs.token_groups import Grouping
from app.ui.text.tint import scale_of
from app.ui.theme import current_theme
from app.ui.words.unit_words import number
from app.wording import probability, quoted

POSITION, ID, TOKEN, PROBABILITY, SURPRISAL, RANK, EXPECTED = range(7)
_Index = QModelIndex | QPersistentModelIndex


class TokenModel(QAbstractTableModel):
    """The tokens of one prompt: position, id, text with visible white space, and scores if any."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens: Sequence[PromptToken] = ()
        self._labels: Sequence[str] = ()

    def show_tokens(self, tokens: Sequence[PromptToken], labels: Sequence[str] = ()) -> None:
        """Show the tokens of a prompt; ``labels`` has the text of each token id."""
        if tokens != self._tokens:
            self.beginResetModel()
            self._tokens, self._labels = tokens, labels
            self.endResetModel()

    def token_at(self, index: _Index) -> PromptToken | None:
        """The token of a row."""
        return self._tokens[index.row()] if 0 <= index.row() < len(self._tokens) else None

    def differs(self, row: int) -> bool:
        """Whether roles have different tokens in a row, which a single prompt cannot."""
        return False

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802 — Qt's
        return 0 if parent.isValid() else len(self._tokens)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802 — Qt's
        return 0 if parent.isValid() else EXPECTED + 1

    def headerData(  # noqa: N802 — Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (
                self.tr("position"),
                self.tr("id"),
                self.tr("token"),
                self.tr("probability"),
                self.tr("bits"),
                self.tr("rank"),
                self.tr("most probable"),
            )[section]
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            token = self._tokens[row]
            if column >= PROBABILITY:
                return self._score(token, column)
            return (str(row + 1), str(token.token_id), quoted(token.text))[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.BackgroundRole and column == TOKEN:
            return tint_of(self._tokens[row])
        return None

    def _score(self, token: PromptToken, column: int) -> str:
        if token.scored is None or token.surprisal is None:
            return ""
        told = token.scored.attribution
        if column == PROBABILITY:
            return probability(told.p_tuned)
        if column == SURPRISAL:
            return number(token.surprisal)
        if column == RANK:
            return f"{told.rank_tuned:,}"
        known = told.argmax_tuned < len(self._labels)
        return quoted(self._labels[told.argmax_tuned] if known else f"#{told.argmax_tuned}")


def tint_of(token: PromptToken) -> QColor | None:
    """The background of a token by its surprisal; None without scores."""
    if token.surprisal is None:
        return None
    scale = scale_of(Tint(Measure.SURPRISAL), Grouping.TOKEN, current_theme())
    return scale.color(token.surprisal)


def _alignment(column: int) -> Qt.AlignmentFlag:
    right = column in (POSITION, ID, PROBABILITY, SURPRISAL, RANK)
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
