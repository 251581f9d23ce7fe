"""The widgets of the New recipe assistant; their behaviour is in ``new_recipe_dialog``."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.spec import CHAT, PLAIN
from app.ui.new_recipe.recipe_check import RecipeCheck
from app.ui.recipe.candidate_list import CandidateList
from app.ui.recipe.prompt_fields import kind_titles
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.translation import translate
from app.ui.widgets.form_controls import choice_of
from app.ui.widgets.message_label import MessageLabel

_SIZE = QSize(1040, 640)
_FRAME = 48
"""Pixels of the screen that the dialog leaves free for its frame."""


class NewRecipeForm(QDialog):
    """Lays out three lists of models, and below them names, prompt format, check and buttons.

    Args:
        session: The state of the window.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(translate("NewRecipe", "New recipe"))
        self.check_line = RecipeCheck(session)
        self.base, self.expert, self.antiexpert = (CandidateList() for _ in range(3))
        self.search_line = MessageLabel()
        self.stop_search = QPushButton(translate("NewRecipe", "Stop searching"))
        self.name, self.pair_name = QLineEdit(), QLineEdit()
        titles = {kind: title for kind, title in kind_titles().items() if kind in (CHAT, PLAIN)}
        self.format = choice_of(titles, PLAIN)
        self.format_line = MessageLabel()
        self.folder = QPushButton(translate("NewRecipe", "&Look in a folder …"))
        self.make_expert = QPushButton(translate("NewRecipe", "Ma&ke an expert …"))
        self.make_expert.setToolTip(
            translate("NewRecipe", "Train a small model on your own texts to be the expert")
        )
        self.cancel_button = QPushButton(translate("NewRecipe", "Cancel"))
        self.create_button = QPushButton(translate("NewRecipe", "&Create and load"))
        self.create_button.setProperty("role", "primary")
        for button in (self.stop_search, self.folder, self.make_expert, self.cancel_button):
            button.setAutoDefault(False)
        self.create_button.setDefault(True)
        self._lay_out()
        room = self.screen().availableSize() - QSize(_FRAME, _FRAME)
        self.resize(_SIZE.boundedTo(room))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + 4)
        layout.addLayout(self._columns(), 1)
        layout.addLayout(_row(self.search_line, self.stop_search))
        layout.addLayout(self._fields())
        layout.addWidget(self.check_line)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.folder)
        buttons.addWidget(self.make_expert)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.create_button)
        layout.addLayout(buttons)

    def _columns(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        columns = (
            (
                self.base,
                translate("NewRecipe", "&Base"),
                translate("NewRecipe", "Writes the text: the model that you want to tune."),
            ),
            (
                self.expert,
                translate("NewRecipe", "&Expert"),
                translate(
                    "NewRecipe", "Knows what the base lacks: a tuned model, usually a small one."
                ),
            ),
            (
                self.antiexpert,
                translate("NewRecipe", "&Anti-expert"),
                translate(
                    "NewRecipe",
                    "The expert before it was tuned: only the difference of both tunes the base.",
                ),
            ),
        )
        for column, (candidates, title, about) in enumerate(columns):
            heading, caption = QLabel(title), QLabel(about)
            heading.setProperty("role", "section")
            heading.setBuddy(candidates)
            caption.setProperty("role", "caption")
            caption.setWordWrap(True)
            caption.setAlignment(Qt.AlignmentFlag.AlignTop)
            candidates.setAccessibleName(title.replace("&", ""))
            candidates.setAccessibleDescription(about)
            for line, widget in enumerate((heading, caption, candidates)):
                grid.addWidget(widget, line, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(2, 1)
        return grid

    def _fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE)
        fields = (
            (translate("NewRecipe", "&Name"), self.name, 0, 0),
            (translate("NewRecipe", "Name of the &pair"), self.pair_name, 0, 2),
            (translate("NewRecipe", "Prompt &format"), self.format, 1, 0),
        )
        for title, field, line, column in fields:
            label = QLabel(title)
            label.setBuddy(field)
            field.setAccessibleName(title.replace("&", ""))
            grid.addWidget(label, line, column)
            grid.addWidget(field, line, column + 1)
        grid.addWidget(self.format_line, 1, 2, 1, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        return grid


def _row(label: MessageLabel, button: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(SPACE)
    row.addWidget(label, 1)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return row
