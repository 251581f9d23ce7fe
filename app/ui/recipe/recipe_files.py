"""Recipes on the disk: those that ship, a person's own, and the files that were open lately."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import tomli_w
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.atomic_files import write_file
from app.checkpoints.recipes.recipe_file import (
    builtin_recipes,
    find_recipe,
    read_recipe,
    write_recipe,
)
from app.checkpoints.spec import Recipe
from app.errors import RecipeError, TuneshiftError
from app.settings import recipe_folder, state_folder
from app.ui.state.session import Session
from app.ui.translation import translate
from app.wording import size

ENDING = ".toml"
OWN_ENDING = ".tuneshift.toml"
"""What files get that are saved here; desktops know by it which program opens them."""
_MOST_RECENT = 8
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class RecipeEntry:
    """A recipe that can be opened.

    Attributes:
        path: Its file; None where it ships with the program.
        recipe: What the file says; None where it cannot be read, as ``error`` says.
    """

    path: Path | None
    recipe: Recipe | None
    error: TuneshiftError | None = None

    @property
    def title(self) -> str:
        if self.recipe:
            return self.recipe.name
        return self.path.name if self.path else ""

    @property
    def caption(self) -> str:
        """Its size, whether it was tried, and what it shows, in a line."""
        return (
            caption_of(self.recipe) if self.recipe else translate("RecipeFiles", "cannot be read")
        )


def caption_of(recipe: Recipe) -> str:
    """Size, “untested” and description of a recipe, in a line."""
    amount = size(recipe.download_bytes) if recipe.download_bytes else ""
    untested = translate("RecipeFiles", "untested") if recipe.untested else ""
    return " · ".join(part for part in (amount, untested, recipe.description) if part)


def shipped() -> list[RecipeEntry]:
    """The recipes that ship with the program, the default first."""
    return [RecipeEntry(None, find_recipe(name)) for name in builtin_recipes()]


def own() -> list[RecipeEntry]:
    """The recipes in a person's own folder, by name."""
    return [_entry(path) for path in sorted(recipe_folder().glob(f"*{ENDING}"))]


def recent() -> list[RecipeEntry]:
    """Files that were opened or saved lately and still exist, the latest first."""
    return [_entry(path) for path in _recent_paths() if path.is_file()]


def _entry(path: Path) -> RecipeEntry:
    try:
        return RecipeEntry(path, read_recipe(path))
    except TuneshiftError as error:
        return RecipeEntry(path, None, error)


# What was open lately


def _recent_file() -> Path:
    return state_folder() / "recent-recipes.toml"


def _recent_paths() -> list[Path]:
    try:
        listed = tomllib.loads(_recent_file().read_text(encoding="utf-8"))["recent"]
        return [Path(path) for path in listed if isinstance(path, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # there is none yet, or it is damaged: nothing is lost but a convenience


def remember(path: Path) -> None:
    """Put a file first among those that were open lately; the person's own are listed anyway."""
    path = path.absolute()
    if path.parent == recipe_folder().absolute():
        return
    paths = [path, *(other for other in _recent_paths() if other != path)][:_MOST_RECENT]
    try:
        text = tomli_w.dumps({"recent": [str(path) for path in paths]})
        write_file(_recent_file(), text)
    except OSError:
        pass  # a convenience


# What a person does with them


def open_file(session: Session, path: Path) -> None:
    """Open the recipe in a file, or report what is wrong with it."""
    entry = _entry(path)
    if entry.recipe:
        remember(path)
        session.open_recipe(entry.recipe)
    elif entry.error:
        session.report(entry.error)


def save_file(session: Session, path: Path) -> None:
    """Save the recipe as it stands; one that ships is named after the file."""
    name = session.recipe.name
    if any(name == entry.title for entry in shipped()):
        name = path.stem.removesuffix(Path(OWN_ENDING).stem)
    try:
        session.save_recipe(path, name)
        remember(path)
    except OSError as error:
        session.report(_not_saved(error))


def export(session: Session, recipe: Recipe, path: Path) -> None:
    """Write a recipe to a file; what is open stays."""
    try:
        write_recipe(recipe, path)
        remember(path)
    except OSError as error:
        session.report(_not_saved(error))


def duplicate(session: Session, recipe: Recipe) -> None:
    """Write a copy into the person's own folder and open it."""
    taken = {entry.title for entry in (*shipped(), *own())}
    name = next(name for name in _copies_of(recipe.name) if name not in taken)
    copy = replace(recipe, name=name)
    try:
        write_recipe(copy, _free_path(name))
        session.open_recipe(copy)
    except OSError as error:
        session.report(_not_saved(error))


def _copies_of(name: str) -> Iterator[str]:
    yield translate("RecipeFiles", "{0} (copy)").format(name)
    for number in itertools.count(2):
        yield translate("RecipeFiles", "{0} (copy {1})").format(name, number)


def _free_path(name: str) -> Path:
    """A path in the person's folder that is not taken, with a name that every system allows."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:_LONGEST_NAME] or "recipe"
    numbered = (f"{stem}-{number}" for number in itertools.count(2))
    names = itertools.chain([stem], numbered)
    paths = (recipe_folder() / f"{name}{OWN_ENDING}" for name in names)
    return next(path for path in paths if not path.exists())


def _not_saved(error: OSError) -> RecipeError:
    return RecipeError(translate("RecipeFiles", "The recipe cannot be saved"), evidence=str(error))


# Files dropped on the window


def has_files(data: QMimeData) -> bool:
    """Whether files are dragged."""
    return any(url.isLocalFile() for url in data.urls())


def drop(session: Session, data: QMimeData) -> None:
    """Open the recipe that was dropped, or say why it cannot be opened."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    refusal = _refusal(session, paths)
    if refusal:
        session.report(refusal)
    else:
        open_file(session, paths[0])


def _refusal(session: Session, paths: list[Path]) -> RecipeError | None:
    if len(paths) != 1:
        return RecipeError(
            translate("RecipeFiles", "{0} files were dropped").format(len(paths)),
            next_step=translate("RecipeFiles", "Drop one recipe at a time."),
        )
    if paths[0].suffix.lower() != ENDING:
        return RecipeError(
            translate("RecipeFiles", "“{0}” is not a recipe").format(paths[0].name),
            next_step=translate(
                "RecipeFiles",
                "A recipe is a .toml file. Drop a folder or file of a model on the role that is to"
                " use it.",
            ),
        )
    if not session.editable:
        return RecipeError(
            translate("RecipeFiles", "The recipe can be changed when the run has ended"),
            next_step=translate("RecipeFiles", "Stop it with Esc and drop the file again."),
        )
    return None


# Dialogs


def ask_open(session: Session, parent: QWidget) -> None:
    """Let a person choose a file to open."""
    dialog = _dialog(parent, translate("RecipeFiles", "Open a recipe"))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda path: open_file(session, Path(path)))
    dialog.open()


def ask_save(session: Session, parent: QWidget) -> None:
    """Let a person choose where to save the recipe as it stands."""
    dialog = _saving(parent, translate("RecipeFiles", "Save the recipe"))
    dialog.fileSelected.connect(lambda path: save_file(session, Path(path)))
    dialog.open()


def ask_export(session: Session, recipe: Recipe, parent: QWidget) -> None:
    """Let a person choose where to write a copy of ``recipe``."""
    dialog = _saving(parent, translate("RecipeFiles", "Export the recipe"))
    dialog.fileSelected.connect(lambda path: export(session, recipe, Path(path)))
    dialog.open()


def _saving(parent: QWidget, title: str) -> QFileDialog:
    dialog = _dialog(parent, title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(OWN_ENDING.removeprefix("."))
    return dialog


def _dialog(parent: QWidget, title: str) -> QFileDialog:
    kind = translate("RecipeFiles", "Recipes ({0})").format(f"*{ENDING}")
    dialog = QFileDialog(parent, title, str(recipe_folder()), kind)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return dialog
