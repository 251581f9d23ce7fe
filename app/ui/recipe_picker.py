"""Chooses the recipe: the built-in ones and files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QToolButton, QWidget

from app.checkpoints.recipe_file import builtin_recipes, find_recipe, read_recipe
from app.checkpoints.spec import Recipe
from app.errors import RecipeError, TuneshiftError
from app.ui.controls import ChoiceBox
from app.ui.session import Session
from app.ui.theme import SPACE

_FILTER = "*.toml"


class RecipePicker(QWidget):
    """A list of recipes, and a menu to open and save files."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._builtin = [find_recipe(name) for name in builtin_recipes()]
        self._listed: list[tuple[str, Recipe | None]] = []
        self._choice = ChoiceBox()
        self._choice.setAccessibleName(self.tr("Recipe"))
        self._choice.activated.connect(self._on_activated)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._choice, 1)
        layout.addWidget(self._make_menu())
        self.setFocusProxy(self._choice)
        session.recipe_changed.connect(self._update)
        session.run_changed.connect(self._update)
        self._update()

    def _make_menu(self) -> QToolButton:
        button = QToolButton()
        button.setText("⋯")
        button.setProperty("role", "flat")
        button.setAccessibleName(self.tr("Recipe files"))
        button.setToolTip(self.tr("Open or save a recipe file"))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        self._open_action = menu.addAction(self.tr("Open …"), self._open)
        menu.addAction(self.tr("Save as …"), self._save)
        button.setMenu(menu)
        return button

    # The list

    def _update(self) -> None:
        recipe, editable = self._session.recipe, self._session.editable
        listed: list[tuple[str, Recipe | None]] = [(item.name, item) for item in self._builtin]
        if recipe not in self._builtin:
            listed.insert(0, (self._title(recipe), None))
        if [title for title, _ in listed] != [title for title, _ in self._listed]:
            with QSignalBlocker(self._choice):
                self._choice.clear()
                self._choice.addItems([title for title, _ in listed])
        self._listed = listed
        with QSignalBlocker(self._choice):
            self._choice.setCurrentIndex(
                self._builtin.index(recipe) if recipe in self._builtin else 0
            )
        self._choice.setEnabled(editable)
        self._choice.setToolTip(
            self._choice.currentText()
            if editable
            else self.tr("The recipe can be changed when the run has ended. Esc stops it.")
        )
        self._open_action.setEnabled(editable)

    def _title(self, recipe: Recipe) -> str:
        edited = self._session.edited or any(recipe.name == item.name for item in self._builtin)
        return self.tr("{0} — edited").format(recipe.name) if edited else recipe.name

    def _on_activated(self, index: int) -> None:
        recipe = self._listed[index][1]
        if recipe and recipe != self._session.recipe:
            self._session.open_recipe(recipe)

    # Files

    def open_file(self, path: str) -> None:
        """Open the recipe in a file."""
        try:
            recipe = read_recipe(Path(path))
        except TuneshiftError as error:
            self._session.report(error)
        else:
            self._session.open_recipe(recipe)

    def save_file(self, path: str) -> None:
        """Save the recipe into a file; a changed built-in recipe is named after it."""
        name = self._session.recipe.name
        if any(name == item.name for item in self._builtin):
            name = Path(path).stem
        try:
            self._session.save_recipe(Path(path), name)
        except OSError as error:
            self._session.report(RecipeError("The recipe cannot be saved", evidence=str(error)))

    def _open(self) -> None:
        dialog = self._dialog(self.tr("Open a recipe"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def _save(self) -> None:
        dialog = self._dialog(self.tr("Save the recipe"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        dialog.fileSelected.connect(self.save_file)
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        kind = self.tr("Recipes ({0})").format(_FILTER)
        dialog = QFileDialog(self, title, str(Path.home()), kind)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog
