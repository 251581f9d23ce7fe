"""Table model of a list of prompts with the totals of their runs."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from app.attribution.run_totals import RunTotals
from app.checkpoints.conversation import contents, last_message
from app.decoding.types import FinishReason
from app.ui.state.runs.prompt_list_runs import ListedPrompt, ListedState, PromptListRuns
from app.ui.widgets.number_table import KEY_ROLE
from app.ui.widgets.plain_tip import plain_tip
from app.ui.widgets.row_table import TitledModel
from app.ui.words.unit_words import bits, number
from app.wording import visible

PROMPT, TOKENS, SHIFT, FLIPS, KL, ENTROPY, PERPLEXITY, END = range(8)
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
_NOWHERE = QModelIndex()
_LONGEST = 400
_Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole


class PromptListModel(TitledModel):
    """The prompts of a list in their order; :class:`SortedPrompts` sorts them."""

    def __init__(self, runs: PromptListRuns, parent: QObject) -> None:
        super().__init__(parent)
        self._runs = runs
        titles = (
            self.tr("Prompt"),
            self.tr("Tokens"),
            self.tr("Mean shift"),
            self.tr("Flips"),
            self.tr("Mean KL"),
            self.tr("Mean entropy"),
            self.tr("Perplexity"),
            self.tr("End"),
        )
        self.set_columns(titles, range(TOKENS, END))
        self._listed: list[ListedPrompt] = []
        self._known = 0
        runs.changed.connect(self._follow)
        runs.row_changed.connect(self._on_row)
        self._follow()

    def prompt(self, row: int) -> ListedPrompt:
        """The prompt of a row."""
        return self._runs.prompts[row]

    def rowCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 — Qt's name
        return 0 if parent.isValid() else self._known

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:
        listed, column = self._runs.prompts[index.row()], index.column()
        if role == _Role.DisplayRole:
            return self._text(listed, column)
        if role == SORT_ROLE:
            return self._key(listed, column)
        if role == KEY_ROLE:
            return index.row()
        if role == _Role.ToolTipRole and column == PROMPT:
            return plain_tip(contents(listed.prompt)[:_LONGEST])
        if role == _Role.ToolTipRole and column == END and listed.error is not None:
            return plain_tip(str(listed.error))
        if role == _Role.TextAlignmentRole:
            return self.alignment(column)
        return None

    def _text(self, listed: ListedPrompt, column: int) -> str:
        if column == PROMPT:
            return visible(last_message(listed.prompt)[:_LONGEST])
        if column == END:
            return self._end(listed)
        return "" if listed.totals is None else _figure(listed.totals, column)

    def _key(self, listed: ListedPrompt, column: int) -> str | float:
        if column == PROMPT:
            return last_message(listed.prompt)
        if column == END:
            return self._end(listed)
        found = listed.totals
        return -math.inf if found is None else _values(found)[column]

    def _end(self, listed: ListedPrompt) -> str:
        if listed.state is ListedState.WAITING:
            return ""
        if listed.state is ListedState.ACTIVE:
            return self.tr("generating …")
        if listed.state is ListedState.FAILED:
            return self.tr("failed")
        return {
            FinishReason.EOS: self.tr("end of text"),
            FinishReason.STOP: self.tr("stop string"),
            FinishReason.LENGTH: self.tr("token limit"),
            FinishReason.CONTEXT: self.tr("context full"),
            FinishReason.CANCELLED: self.tr("stopped"),
        }[listed.finish_reason or FinishReason.CANCELLED]

    def _follow(self) -> None:
        """Show another list, or one that got longer; :meth:`_on_row` shows what a run changes."""
        same, self._listed = self._listed is self._runs.prompts, self._runs.prompts
        if self._known != len(self._listed):
            self.beginResetModel()
            self._known = len(self._listed)
            self.endResetModel()
        elif self._known and not same:
            self.dataChanged.emit(self.index(0, 0), self.index(self._known - 1, END))

    def _on_row(self, row: int) -> None:
        self.dataChanged.emit(self.index(row, 0), self.index(row, END))


class SortedPrompts(QSortFilterProxyModel):
    """The prompts in the order of a column, or of the list."""

    def __init__(self, model: PromptListModel) -> None:
        super().__init__(model)
        self._model = model
        self.setSourceModel(model)
        self.setSortRole(SORT_ROLE)
        self.setDynamicSortFilter(True)

    def at(self, row: int) -> ListedPrompt:
        """The prompt of a row of the sorted table."""
        return self._model.prompt(self.mapToSource(self.index(row, 0)).row())


def _values(found: RunTotals) -> dict[int, float]:
    return {
        TOKENS: found.tokens,
        SHIFT: found.mean_shift,
        FLIPS: found.flips / found.tokens,
        KL: found.mean_kl,
        ENTROPY: found.mean_entropy,
        PERPLEXITY: found.perplexity_tuned,
    }


def _figure(found: RunTotals, column: int) -> str:
    value = _values(found)[column]
    if column == TOKENS:
        return f"{found.tokens:,}"
    if column == FLIPS:
        return f"{found.flips:,} ({value:.0%})"
    if column == PERPLEXITY:
        return number(value)
    return bits(value, sign=column == SHIFT)
