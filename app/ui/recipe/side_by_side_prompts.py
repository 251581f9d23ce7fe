"""The prompts of all roles side by side, aligned token by token, each tinted by its own scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHeaderView, QLabel, QVBoxLayout, QWidget

from app.attribution.prompt_alignment import AlignedRow, align_prompts
from app.attribution.scored_prompt import ScoredPrompt
from app.ui.recipe.aligned_prompts_model import AlignedPromptsModel, TokenKey, key_of
from app.ui.recipe.prompt_token_table import PromptTokenTable
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.words.unit_words import bits

_AT_ONCE = 1_000
"""Prompts with more tokens than these are aligned in the background."""


class SideBySidePrompts(QWidget):
    """Table with a column for each prompt; roles of the same checkpoint and format share one.

    Args:
        session: The state of the window.
        label: Returns the text of a token id.
    """

    chosen = Signal(str, object)
    """Another token is current: the title of its column, and the token or None."""

    def __init__(
        self, session: Session, label: Callable[[int], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._prompts: Sequence[ScoredPrompt] = ()
        self._keys: list[list[TokenKey]] = []
        self._rows: list[AlignedRow] = []
        self._job = 0
        self.model = AlignedPromptsModel(self)
        self.count = QLabel()
        self.count.setProperty("role", "caption")
        self.count.setWordWrap(True)
        self.table = PromptTokenTable(
            self.model, self.tr("Prompts of all roles, side by side"), self._role_of, label
        )
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.horizontalHeader().setMinimumSectionSize(
            self.fontMetrics().horizontalAdvance("M" * 7)
        )
        self.table.chosen.connect(self._on_chosen)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.count)
        column.addWidget(self.table, 1)

    def show_prompts(self, prompts: Sequence[ScoredPrompt]) -> None:
        """Show the prompts of the roles; long ones are aligned in the background."""
        self._prompts, self._job = prompts, self._job + 1
        keys = [[key_of(token) for token in prompt.tokens] for prompt in prompts]
        if keys == self._keys and self._rows:
            self._show(self._rows)
        elif max(map(len, keys), default=0) <= _AT_ONCE:
            self._keys = keys
            self._show(align_prompts(keys))
        else:
            self._keys, self._rows, job = keys, [], self._job
            self.count.setText(self.tr("Aligning the prompts …"))
            self._session.history.background.run(
                self,
                lambda: align_prompts(keys),
                lambda rows: self._show(rows) if job == self._job else None,
                self._session.report,
            )

    def _show(self, rows: list[AlignedRow]) -> None:
        self._rows = rows
        self.model.show_prompts(
            [prompt.role for prompt in self._prompts],
            [prompt.tokens for prompt in self._prompts],
            rows,
        )
        self.count.setText(self._describe())

    def _describe(self) -> str:
        different = self.model.differences
        if len(self._prompts) < 2:
            parts = [self.tr("All roles are the same model with the same prompt.")]
        elif different:
            parts = [
                self.tr("The prompts differ in {0} of {1} rows (F8 goes to the next).").format(
                    f"{different:,}", f"{len(self._rows):,}"
                )
            ]
        else:
            parts = [self.tr("All roles read the same tokens.")]
        for prompt in self._prompts:
            surprisal = prompt.surprisal
            if surprisal is not None:
                parts.append(self.tr("{0}: {1}").format(prompt.role, bits(surprisal)))
        return " · ".join(parts)

    def _role_of(self, column: int) -> str:
        return self._prompts[column].role

    def _on_chosen(self, token: object) -> None:
        column = self.table.currentIndex().column()
        inside = 0 <= column < len(self._prompts)
        self.chosen.emit(self._role_of(column) if inside else "", token)
