"""Which of the candidates are shown."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSortFilterProxyModel

from app.ui.inspector.candidate_model import CandidateModel
from app.ui.widgets.bar_delegate import SORT_ROLE
from app.wording import visible


class Moved(StrEnum):
    """Which way the pairs moved a candidate."""

    EITHER = "either"
    UP = "up"
    DOWN = "down"


class CandidateFilter(QSortFilterProxyModel):
    """The candidates that match a text and a direction, sorted by any column.

    ``#`` and digits in the text match the token's id.
    """

    def __init__(self, model: CandidateModel) -> None:
        super().__init__(model)
        self._model = model
        self._text = ""
        self._moved = Moved.EITHER
        self._pair: int | None = None
        self.setSourceModel(model)
        self.setSortRole(SORT_ROLE)

    def set_filter(self, text: str, moved: Moved, pair: int | None) -> None:
        """Show what has ``text``, moved that way, and was moved most by ``pair``, if given."""
        self._text, self._moved, self._pair = text.casefold(), moved, pair
        self.invalidate()

    def filterAcceptsRow(  # noqa: N802 — Qt's name
        self, row: int, parent: QModelIndex | QPersistentModelIndex
    ) -> bool:
        return self._has_text(row) and self._went(row)

    def _has_text(self, row: int) -> bool:
        if self._text.startswith("#") and self._text[1:].isdigit():
            return self._model.token_id(row) == int(self._text[1:])
        name = self._model.name(row)
        return self._text in name.casefold() or self._text in visible(name).casefold()

    def _went(self, row: int) -> bool:
        if self._pair is not None and self._model.strongest_pair(row) != self._pair:
            return False
        moved = self._model.moved(row)
        return {Moved.EITHER: True, Moved.UP: moved > 0, Moved.DOWN: moved < 0}[self._moved]
