"""Table model of the tokens of a prompt, with what the model that reads it makes of each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT, Measure
from app.checkpoints.preflight_report import RolePrompt
from app.ui.state.display import Tint
from app.ui.state.runs.token_groups import Grouping
from app.ui.text.tint import scale_of
from app.ui.text.tint_words import number
from app.ui.theme import current_theme
from app.wording import probability, quoted

POSITION, ID, TOKEN, PROBABILITY, SURPRISAL, RANK, EXPECTED = range(7)
_Index = QModelIndex | QPersistentModelIndex


class TokenModel(QAbstractTableModel):
    """The tokens of one prompt: position, id, text with visible white space, and scores if any."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ids: tuple[int, ...] = ()
        self._texts: tuple[str, ...] = ()
        self._scored: Sequence[ExplainedToken] = ()
        self._labels: Sequence[str] = ()

    def show_prompt(
        self,
        prompt: RolePrompt,
        scored: Sequence[ExplainedToken] = (),
        labels: Sequence[str] = (),
    ) -> None:
        """Show the tokens of ``prompt``.

        Args:
            prompt: The prompt.
            scored: The tokens from the second on with their scores; ignored if they are of another
                prompt.
            labels: A label for each token id.
        """
        if tuple(token.token_id for token in scored) != prompt.token_ids[1:]:
            scored = ()
        if (prompt.token_ids, prompt.tokens, scored) != (self._ids, self._texts, self._scored):
            self.beginResetModel()
            self._ids, self._texts = prompt.token_ids, prompt.tokens
            self._scored, self._labels = scored, labels
            self.endResetModel()

    @property
    def surprisal(self) -> float | None:
        """The surprisal of all scored tokens together, in bits; None without scores."""
        if not self._scored:
            return None
        return -sum(token.attribution.logprob_tuned for token in self._scored) / BIT

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802 — Qt's
        return 0 if parent.isValid() else len(self._ids)

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
            if column >= PROBABILITY:
                return self._score(row, column)
            return (str(row + 1), str(self._ids[row]), quoted(self._texts[row]))[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.BackgroundRole and column == TOKEN:
            found = self._scored_at(row)
            if found is not None:
                scale = scale_of(Tint(Measure.SURPRISAL), Grouping.TOKEN, current_theme())
                return scale.color(-found.attribution.logprob_tuned / BIT)
        return None

    def _scored_at(self, row: int) -> ExplainedToken | None:
        return self._scored[row - 1] if 0 < row <= len(self._scored) else None

    def _score(self, row: int, column: int) -> str:
        found = self._scored_at(row)
        if found is None:
            return ""
        told = found.attribution
        if column == PROBABILITY:
            return probability(told.p_tuned)
        if column == SURPRISAL:
            return number(-told.logprob_tuned / BIT)
        if column == RANK:
            return f"{told.rank_tuned:,}"
        known = told.argmax_tuned < len(self._labels)
        return quoted(self._labels[told.argmax_tuned] if known else f"#{told.argmax_tuned}")


def _alignment(column: int) -> Qt.AlignmentFlag:
    right = column in (POSITION, ID, PROBABILITY, SURPRISAL, RANK)
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
