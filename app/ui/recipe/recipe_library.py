"""The recipe library: a dialog with all recipes, their descriptions and download sizes."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSize, QSortFilterProxyModel, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.source_names import is_builtin, place_of
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.ui.recipe import recipe_files
from app.ui.recipe.recipe_delegate import CAPTION_ROLE, HEADING_ROLE, RecipeDelegate
from app.ui.recipe.recipe_files import RecipeEntry
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.ui.translation import translate
from app.ui.view_keys import ViewKey
from app.ui.widgets.dialogs import show_once
from app.ui.widgets.message_label import MessageLabel
from app.ui.words.fit_words import too_large
from app.ui.words.source_titles import titles_of
from app.wording import size

_SIZE = QSize(640, 620)
_DETAIL_LINES = 6
_ENTRY_ROLE = Qt.ItemDataRole.UserRole + 3
_SEARCH_ROLE = Qt.ItemDataRole.UserRole + 4


class RecipeLibrary(QDialog):
    """Lists shipped, own and recent recipes; opens, duplicates and exports them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle(self.tr("Recipes"))
        self.resize(_SIZE)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter by name, model or description"))
        self.filter.setAccessibleName(self.tr("Filter"))
        self.filter.setClearButtonEnabled(True)
        self._items = QStandardItemModel(self)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self._items)
        self._shown.setFilterRole(_SEARCH_ROLE)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.list = QListView()
        self.list.setModel(self._shown)
        self.list.setItemDelegate(RecipeDelegate(self.list))
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setAccessibleName(self.tr("Recipes"))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.details = MessageLabel()
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.details.setMinimumHeight(_DETAIL_LINES * self.details.fontMetrics().lineSpacing())
        self._make_buttons()
        self._lay_out()
        self.filter.textChanged.connect(self._on_filter)
        self.filter.returnPressed.connect(self._open)
        ViewKey.INTO_RECIPES.shortcut(
            self.filter, self.list.setFocus, Qt.ShortcutContext.WidgetShortcut
        )
        self.list.selectionModel().selectionChanged.connect(self._update)
        self.list.activated.connect(self._open)
        session.recipe_changed.connect(self._on_recipe_changed)
        session.runs.run_changed.connect(self._update)
        self._name = ""
        self._on_recipe_changed()

    def _make_buttons(self) -> None:
        self.open_file = QPushButton(self.tr("Open file …"))
        self.export = QPushButton(self.tr("Export …"))
        self.duplicate = QPushButton(self.tr("Duplicate"))
        self.duplicate.setToolTip(self.tr("Copy the recipe to your own recipes and open the copy"))
        self.close_button = QPushButton(self.tr("Close"))
        self.open_button = QPushButton(self.tr("Open"))
        self.open_button.setProperty("role", "primary")
        for button, slot in (
            (self.open_file, lambda: recipe_files.ask_open(self._session, self)),
            (self.export, self._export),
            (self.duplicate, self._duplicate),
            (self.close_button, self.close),
            (self.open_button, self._open),
        ):
            button.setAutoDefault(False)
            button.clicked.connect(slot)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        for button in (self.open_file, self.export, self.duplicate):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for button in (self.close_button, self.open_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + 4)
        layout.addWidget(self.filter)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.details)
        layout.addLayout(buttons)

    # The list

    def _on_recipe_changed(self) -> None:
        """Read the files again after a recipe was opened, saved or copied."""
        if self._session.recipe.name != self._name:
            self._name = self._session.recipe.name
            self._fill()

    def _fill(self) -> None:
        memory = self._session.machine_memory
        self._items.clear()
        for heading, entries in (
            (self.tr("Shipped with Tuneshift"), recipe_files.shipped()),
            (self.tr("Your recipes"), recipe_files.own()),
            (self.tr("Recent files"), recipe_files.recent()),
        ):
            if entries:
                self._items.appendRow(_heading(heading, entries, memory))
                for entry in entries:
                    self._items.appendRow(_item(entry, memory))
        self._choose_first()

    def _on_filter(self, text: str) -> None:
        self._shown.setFilterFixedString(text)
        self._choose_first()

    def _choose_first(self) -> None:
        """Select the current recipe if it is listed, otherwise the first."""
        indexes = [self._shown.index(row, 0) for row in range(self._shown.rowCount())]
        entries = [index for index in indexes if index.data(_ENTRY_ROLE)]
        current = [i for i in entries if i.data(_ENTRY_ROLE).recipe == self._session.recipe]
        self.list.setCurrentIndex((current or entries or [QModelIndex()])[0])
        self._update()

    def _chosen(self) -> RecipeEntry | None:
        entry: RecipeEntry | None = self.list.currentIndex().data(_ENTRY_ROLE)
        return entry

    def _update(self) -> None:
        entry, editable = self._chosen(), self._session.editable
        recipe = entry.recipe if entry else None
        self.open_button.setEnabled(recipe is not None and editable)
        self.duplicate.setEnabled(recipe is not None and editable)
        self.export.setEnabled(recipe is not None)
        why_not = self.tr("The recipe cannot be changed during a run. Press Esc to stop the run.")
        self.open_button.setToolTip("" if editable else why_not)
        if entry and entry.error:
            self.details.show_message(str(entry.error), "error")
        else:
            text = _describe(recipe, self._session.machine_memory) if recipe else ""
            self.details.show_message(text)

    # User actions

    def _open(self) -> None:
        entry = self._chosen()
        if entry and entry.recipe and self._session.editable:
            if entry.path:
                recipe_files.open_file(self._session, entry.path)
            else:
                self._session.open_recipe(entry.recipe)
            self.close()

    def _duplicate(self) -> None:
        entry = self._chosen()
        if entry and entry.recipe:
            recipe_files.duplicate(self._session, entry.recipe)

    def _export(self) -> None:
        entry = self._chosen()
        if entry and entry.recipe:
            recipe_files.ask_export(self._session, entry.recipe, self)


def show_library(session: Session, parent: QWidget) -> RecipeLibrary:
    """Show the recipe library of the window that contains ``parent``."""
    return show_once(
        parent, RecipeLibrary, "recipes", lambda window: RecipeLibrary(session, window)
    )


def _heading(text: str, entries: list[RecipeEntry], memory: int) -> QStandardItem:
    item = QStandardItem(text)
    item.setFlags(Qt.ItemFlag.NoItemFlags)
    item.setData(True, HEADING_ROLE)
    item.setData(" ".join(_searched(entry, memory) for entry in entries), _SEARCH_ROLE)
    return item


def _item(entry: RecipeEntry, memory: int) -> QStandardItem:
    item = QStandardItem(entry.title)
    item.setData(entry.caption(memory), CAPTION_ROLE)
    item.setData(entry, _ENTRY_ROLE)
    item.setData(_searched(entry, memory), _SEARCH_ROLE)
    item.setToolTip(str(entry.path) if entry.path else "")
    item.setData(entry.caption(memory), Qt.ItemDataRole.AccessibleDescriptionRole)
    return item


def _searched(entry: RecipeEntry, memory: int) -> str:
    specs = entry.recipe.checkpoints() if entry.recipe else []
    return "\n".join([entry.title, entry.caption(memory), *(spec.source for spec in specs)])


def _describe(recipe: Recipe, memory: int) -> str:
    lines = [recipe.description] if recipe.description else []
    lines.append(translate("RecipeLibrary", "Base: {0}").format(_named(recipe.base)))
    lines += [
        f"{pair.name} (α {pair.alpha:g}): {_named(pair.expert)} − {_named(pair.antiexpert)}"
        for pair in recipe.pairs
    ]
    if recipe.download_bytes:
        amount = size(recipe.download_bytes)
        lines.append(translate("RecipeLibrary", "Download: {0} in total").format(amount))
        lines += [warning] if (warning := too_large(recipe.download_bytes, memory)) else []
    if recipe.untested:
        lines.append(
            translate(
                "RecipeLibrary", "Untested: this recipe has not been tried with its models yet."
            )
        )
    return "\n".join(lines)


def _named(spec: CheckpointSpec) -> str:
    name, *over = [_name(source) for source in (spec.source, spec.over) if source]
    if not over:
        return name
    return translate("RecipeLibrary", "{0}, an adapter over {1}").format(name, *over)


def _name(source: str) -> str:
    return titles_of([source])[0] if is_builtin(source) else place_of(source)
