"""Filter and sort order of the table of candidates."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSortFilterProxyModel

from app.ui.inspector.candidate_model import CandidateModel
from app.ui.widgets.bar_delegate import SORT_ROLE
from app.wording import visible


class ShiftSign(StrEnum):
    """Sign of the shift of a candidate."""

    ANY = "any"
    RAISED = "raised"
    LOWERED = "lowered"


class CandidateFilter(QSortFilterProxyModel):
    """Proxy model of the candidates that match a text, a sign of the shift and a pair.

    A text of ``#`` and digits matches the token with that id.
    """

    def __init__(self, model: CandidateModel) -> None:
        super().__init__(model)
        self._model = model
        self._text = ""
        self._sign = ShiftSign.ANY
        self._pair: int | None = None
        self.setSourceModel(model)
        self.setSortRole(SORT_ROLE)

    def set_filter(self, text: str, sign: ShiftSign, pair: int | None) -> None:
        """Set what candidates must match.

        Args:
            text: Text that the candidate contains.
            sign: Sign of its shift.
            pair: The pair with the largest contribution; None for any.
        """
        self._text, self._sign, self._pair = text.casefold(), sign, pair
        self.invalidate()

    def filterAcceptsRow(  # noqa: N802 — Qt's name
        self, row: int, parent: QModelIndex | QPersistentModelIndex
    ) -> bool:
        return self._has_text(row) and self._has_shift(row)

    def _has_text(self, row: int) -> bool:
        if self._text.startswith("#") and self._text[1:].isdigit():
            return self._model.token_id(row) == int(self._text[1:])
        name = self._model.name(row)
        return self._text in name.casefold() or self._text in visible(name).casefold()

    def _has_shift(self, row: int) -> bool:
        if self._pair is not None and self._model.strongest_pair(row) != self._pair:
            return False
        shift = self._model.shift(row)
        return {ShiftSign.ANY: True, ShiftSign.RAISED: shift > 0, ShiftSign.LOWERED: shift < 0}[
            self._sign
        ]
