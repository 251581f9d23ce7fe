"""The recipe picker: a list of recipes and a menu of file actions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMenu, QToolButton, QWidget

from app.checkpoints.spec import Recipe
from app.ui.recipe import recipe_files
from app.ui.recipe.recipe_delegate import CAPTION_ROLE, RecipeDelegate
from app.ui.recipe.recipe_files import caption_of
from app.ui.state.models.recipe_names import untitled
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import ChoiceBox

_LIST_WIDTH = 420


class RecipePicker(QWidget):
    """Chooses the recipe; its menu opens, duplicates and saves recipe files."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shipped = [entry.recipe for entry in recipe_files.shipped() if entry.recipe]
        self._known = self._shipped
        self._name = ""
        self._listed: list[tuple[str, Recipe]] = []
        self._choice = ChoiceBox()
        self._choice.setAccessibleName(self.tr("Recipe"))
        self._choice.setItemDelegate(RecipeDelegate(self._choice))
        self._choice.view().setMinimumWidth(_LIST_WIDTH)
        self._choice.activated.connect(self._on_activated)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._choice, 1)
        layout.addWidget(self._make_menu())
        self.setFocusProxy(self._choice)
        session.recipe_changed.connect(self._update)
        session.alphas_changed.connect(self._update)
        session.runs.run_changed.connect(self._update)
        self._update()

    def _make_menu(self) -> QToolButton:
        button = QToolButton()
        button.setText("⋯")
        button.setProperty("role", "flat")
        button.setAccessibleName(self.tr("Recipe files"))
        button.setToolTip(self.tr("Open, duplicate or save a recipe"))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        session = self._session
        menu = QMenu(button)
        self._changing = [
            menu.addAction(self.tr("Library …"), self._show_library),
            menu.addAction(self.tr("Open …"), lambda: recipe_files.ask_open(session, self)),
        ]
        self._recent = menu.addMenu(self.tr("Open recent"))
        self._recent.aboutToShow.connect(self._fill_recent)
        self._changing.append(
            menu.addAction(
                self.tr("Duplicate"), lambda: recipe_files.duplicate(session, session.recipe)
            )
        )
        menu.addSeparator()
        menu.addAction(self.tr("Rename …"), self.ask_name)
        menu.addAction(self.tr("Save as …"), lambda: recipe_files.ask_save(session, self))
        button.setMenu(menu)
        return button

    # The list

    def _update(self) -> None:
        recipe, editable = self._session.recipe, self._session.editable
        if recipe.name != self._name:  # opened, saved or copied: the folder may have new files
            self._name = recipe.name
            own = [entry.recipe for entry in recipe_files.own() if entry.recipe]
            self._known = [*self._shipped, *(item for item in own if item not in self._shipped)]
        listed = [(item.name, item) for item in self._known]
        if recipe not in self._known:
            listed.insert(0, (self._title(recipe), recipe))
        if [title for title, _ in listed] != [title for title, _ in self._listed]:
            self._list(listed)
        self._listed = listed
        place = self._known.index(recipe) if recipe in self._known else 0
        with QSignalBlocker(self._choice):
            self._choice.setCurrentIndex(place)
        self._choice.setEnabled(editable)
        self._choice.setToolTip(
            self._about(recipe)
            if editable
            else self.tr("The recipe cannot be changed during a run. Press Esc to stop the run.")
        )
        self._recent.setEnabled(editable)
        for action in self._changing:
            action.setEnabled(editable)

    def _list(self, listed: list[tuple[str, Recipe]]) -> None:
        with QSignalBlocker(self._choice):
            self._choice.clear()
            for place, (title, recipe) in enumerate(listed):
                self._choice.addItem(title)
                self._choice.setItemData(place, self._caption(recipe), CAPTION_ROLE)
                self._choice.setItemData(place, self._about(recipe), Qt.ItemDataRole.ToolTipRole)

    def _about(self, recipe: Recipe) -> str:
        return "\n".join(part for part in (recipe.name, self._caption(recipe)) if part)

    def _caption(self, recipe: Recipe) -> str:
        return caption_of(recipe, self._session.machine_memory)

    def _title(self, recipe: Recipe) -> str:
        if recipe.name == untitled():
            return recipe.name
        edited = self._session.edited or any(recipe.name == item.name for item in self._shipped)
        return self.tr("{0} — edited").format(recipe.name) if edited else recipe.name

    def _on_activated(self, index: int) -> None:
        recipe = self._listed[index][1]
        if recipe != self._session.recipe:
            self._session.open_recipe(recipe)

    def ask_name(self) -> QInputDialog:
        """Ask for a name of the recipe."""
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Rename recipe"))
        dialog.setLabelText(self.tr("Name of the recipe"))
        dialog.setTextValue(self._session.recipe.name)
        dialog.textValueSelected.connect(lambda name: self._session.rename_recipe(name.strip()))
        dialog.open()
        return dialog

    # Files

    def open_file(self, path: str) -> None:
        """Open the recipe in a file."""
        recipe_files.open_file(self._session, Path(path))

    def save_file(self, path: str) -> None:
        """Save the recipe into a file."""
        recipe_files.save_file(self._session, Path(path))

    def _show_library(self) -> None:
        from app.ui.recipe.recipe_library import show_library

        show_library(self._session, self)

    def _fill_recent(self) -> None:
        self._recent.clear()
        for entry in recipe_files.recent():
            action = self._recent.addAction(entry.title)
            action.setToolTip(str(entry.path))
            action.triggered.connect(partial(self._open_entry, entry))
        if self._recent.isEmpty():
            self._recent.addAction(self.tr("No recent files")).setEnabled(False)

    def _open_entry(self, entry: recipe_files.RecipeEntry, *_: object) -> None:
        if entry.path:
            recipe_files.open_file(self._session, entry.path)
