"""Table of tokens of prompts: selection by mouse and keys, and the menu of a token."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from app.attribution.scored_prompt import PromptToken
from app.history.export.prompt_table import token_json
from app.ui.recipe.aligned_prompts_model import AlignedPromptsModel
from app.ui.recipe.prompt_token_model import TokenModel
from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey


class PromptTokenTable(QTableView):
    """Table of tokens, whose menu copies a token and goes to the same one elsewhere.

    Args:
        tokens: The model.
        name: Accessible name.
        role_of: Returns the role whose prompt is in a column, for the copied row.
        label: Returns the text of a token id.
    """

    chosen = Signal(object)
    """Another cell is current; its token, or None."""

    def __init__(
        self,
        tokens: TokenModel | AlignedPromptsModel,
        name: str,
        role_of: Callable[[int], str],
        label: Callable[[int], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._tokens = tokens
        self._role_of = role_of
        self._label = label
        self.setAccessibleName(name)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + SPACE)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._of_token = [
            ViewKey.COPY_TEXT.action(self, self._copy_text),
            self._copying_id(),
            ViewKey.COPY_JSON.action(self, self._copy_json),
            ViewKey.NEXT_SAME.action(self, lambda: self._go_to_same(1)),
            ViewKey.PREVIOUS_SAME.action(self, lambda: self._go_to_same(-1)),
        ]
        if isinstance(tokens, AlignedPromptsModel):
            ViewKey.NEXT_DIFFERENCE.action(self, lambda: self._go_to_difference(1))
            ViewKey.PREVIOUS_DIFFERENCE.action(self, lambda: self._go_to_difference(-1))
        else:
            self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
            self.verticalHeader().hide()
        self.setModel(tokens)
        tokens.modelReset.connect(lambda: self._on_chosen(None))
        self._on_chosen(None)

    def _copying_id(self) -> QAction:
        action = QAction(self.tr("Copy the token id"), self)
        action.triggered.connect(lambda: self._copy_id())
        self.addAction(action)
        return action

    @property
    def token(self) -> PromptToken | None:
        """The token of the current cell."""
        index = self.currentIndex()
        return self._tokens.token_at(index) if index.isValid() else None

    def currentChanged(  # noqa: N802 — Qt's name
        self,
        current: QModelIndex | QPersistentModelIndex,
        previous: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().currentChanged(current, previous)
        self._on_chosen(self.token)

    def _on_chosen(self, token: PromptToken | None) -> None:
        for action in self._of_token:
            action.setEnabled(token is not None)
        self.chosen.emit(token)

    # The clipboard

    def _copy_text(self) -> None:
        if token := self.token:
            QGuiApplication.clipboard().setText(token.exact_text)

    def _copy_id(self) -> None:
        if token := self.token:
            QGuiApplication.clipboard().setText(str(token.token_id))

    def _copy_json(self) -> None:
        if token := self.token:
            role = self._role_of(self.currentIndex().column())
            QGuiApplication.clipboard().setText(token_json(role, token, self._label))

    # Other places

    def _go_to_same(self, direction: int) -> None:
        if token := self.token:
            same = token.token_id
            self._go(direction, lambda other: other is not None and other.token_id == same)

    def _go(self, direction: int, wanted: Callable[[PromptToken | None], bool]) -> None:
        """Go to the next row in the same column whose token is wanted, around the end."""
        index, count = self.currentIndex(), self._tokens.rowCount()
        for step in range(1, count + 1):
            row = (index.row() + direction * step) % count
            if wanted(self._tokens.token_at(self._tokens.index(row, index.column()))):
                self._show_row(row)
                return

    def _go_to_difference(self, direction: int) -> None:
        """Go to the next stretch of rows in which the prompts differ, around the end."""
        count = self._tokens.rowCount()
        start = self.currentIndex().row() if self.currentIndex().isValid() else -direction
        for step in range(1, count + 1):
            row = (start + direction * step) % count
            begins = not (row and self._tokens.differs(row - 1))
            if self._tokens.differs(row) and begins:
                self._show_row(row)
                return

    def _show_row(self, row: int) -> None:
        index = self._tokens.index(row, max(self.currentIndex().column(), 0))
        self.selectionModel().setCurrentIndex(
            index, QItemSelectionModel.SelectionFlag.ClearAndSelect
        )
        self.scrollTo(index)
