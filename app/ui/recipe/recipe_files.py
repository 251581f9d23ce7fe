"""Recipe files: the shipped recipes, the user's own and recent files; open, save and export."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import tomli_w
from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QWidget

from app.atomic_files import write_file
from app.checkpoints.formats.gguf_files import is_gguf
from app.checkpoints.recipes.recipe_file import (
    builtin_recipes,
    find_recipe,
    read_recipe,
    write_recipe,
)
from app.checkpoints.spec import Recipe
from app.errors import RecipeError, TuneshiftError
from app.settings import recipe_folder, state_folder
from app.ui.state.models.recipe_names import untitled
from app.ui.state.session import Session
from app.ui.translation import translate
from app.ui.widgets.file_dialogs import ask_file, ask_new_file, file_stem
from app.ui.words.fit_words import fit_words
from app.wording import size

ENDING = ".toml"
OWN_ENDING = ".tuneshift.toml"
"""The ending of a saved recipe; desktop environments associate it with this program."""
_MOST_RECENT = 8
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class RecipeEntry:
    """A recipe in a list of recipes.

    Attributes:
        path: The file of the recipe; None for a shipped recipe.
        recipe: The recipe; None if its file cannot be read, in which case ``error`` says why.
    """

    path: Path | None
    recipe: Recipe | None
    error: TuneshiftError | None = None

    @property
    def title(self) -> str:
        if self.recipe:
            return self.recipe.name
        return self.path.name if self.path else ""

    def caption(self, memory: int) -> str:
        """The caption of the recipe, or that it cannot be read."""
        if self.recipe:
            return caption_of(self.recipe, memory)
        return translate("RecipeFiles", "cannot be read")


def caption_of(recipe: Recipe, memory: int) -> str:
    """Size of the models, whether they fit, "untested" and description of a recipe, in one line.

    Args:
        recipe: The recipe.
        memory: Bytes of memory of this machine.
    """
    weights = recipe.download_bytes
    parts = [size(weights), fit_words(weights, memory)] if weights else []
    if recipe.untested:
        parts.append(translate("RecipeFiles", "untested"))
    return " · ".join(part for part in (*parts, recipe.description) if part)


def shipped() -> list[RecipeEntry]:
    """The shipped recipes, the default first."""
    return [RecipeEntry(None, find_recipe(name)) for name in builtin_recipes()]


def own() -> list[RecipeEntry]:
    """The recipes in the user's folder, by name."""
    return [_entry(path) for path in sorted(recipe_folder().glob(f"*{ENDING}"))]


def recent() -> list[RecipeEntry]:
    """Recently opened or saved files that still exist, the latest first."""
    return [_entry(path) for path in _recent_paths() if path.is_file()]


def _entry(path: Path) -> RecipeEntry:
    try:
        return RecipeEntry(path, read_recipe(path))
    except TuneshiftError as error:
        return RecipeEntry(path, None, error)


# Recent files


def _recent_file() -> Path:
    return state_folder() / "recent-recipes.toml"


def _recent_paths() -> list[Path]:
    try:
        listed = tomllib.loads(_recent_file().read_text(encoding="utf-8"))["recent"]
        return [Path(path) for path in listed if isinstance(path, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # missing or damaged: the list of recent files is a mere convenience


def remember(path: Path) -> None:
    """Put a file first in the recent files, unless it is in the user's folder (always listed)."""
    path = path.absolute()
    if path.parent == recipe_folder().absolute():
        return
    paths = [path, *(other for other in _recent_paths() if other != path)][:_MOST_RECENT]
    try:
        text = tomli_w.dumps({"recent": [str(path) for path in paths]})
        write_file(_recent_file(), text)
    except OSError:
        pass  # the list of recent files is a mere convenience


# Opening and saving


def open_file(session: Session, path: Path) -> None:
    """Open the recipe in a file, or report why it cannot be opened."""
    entry = _entry(path)
    if entry.recipe:
        remember(path)
        session.open_recipe(entry.recipe)
    elif entry.error:
        session.report(entry.error)


def save_file(session: Session, path: Path) -> None:
    """Save the current recipe; a shipped or an untitled recipe gets the name of the file."""
    name, stem = _own_name(session.recipe), path.stem.removesuffix(Path(OWN_ENDING).stem)
    named = name == session.recipe.name != untitled()
    if not named and stem != file_stem(name, "recipe"):
        name = stem
    try:
        session.save_recipe(path, name)
        remember(path)
        session.saved.add(path)
    except OSError as error:
        session.report(_not_saved(error))


def export(session: Session, recipe: Recipe, path: Path) -> None:
    """Write a recipe to a file without opening it."""
    try:
        write_recipe(recipe, path)
        remember(path)
        session.saved.add(path)
    except OSError as error:
        session.report(_not_saved(error))


def duplicate(session: Session, recipe: Recipe) -> None:
    """Write a copy of a recipe into the user's folder and open the copy."""
    name = _copy_name(recipe)
    copy = replace(recipe, name=name)
    try:
        write_recipe(copy, _free_path(name))
        session.open_recipe(copy)
    except OSError as error:
        session.report(_not_saved(error))


def _own_name(recipe: Recipe) -> str:
    """The name of a recipe for the user's folder: a shipped recipe is saved as a copy."""
    is_shipped = any(recipe.name == entry.title for entry in shipped())
    return _copy_name(recipe) if is_shipped else recipe.name


def _copy_name(recipe: Recipe) -> str:
    taken = {entry.title for entry in (*shipped(), *own())}
    return next(name for name in _copies_of(recipe.name) if name not in taken)


def _copies_of(name: str) -> Iterator[str]:
    yield translate("RecipeFiles", "{0} (copy)").format(name)
    for number in itertools.count(2):
        yield translate("RecipeFiles", "{0} (copy {1})").format(name, number)


def _free_path(name: str) -> Path:
    """An unused path in the user's folder, with a file name that every system allows."""
    stem = file_stem(name, "recipe")
    numbered = (f"{stem}-{number}" for number in itertools.count(2))
    names = itertools.chain([stem], numbered)
    paths = (recipe_folder() / f"{name}{OWN_ENDING}" for name in names)
    return next(path for path in paths if not path.exists())


def _not_saved(error: OSError) -> RecipeError:
    return RecipeError(translate("RecipeFiles", "The recipe cannot be saved"), evidence=str(error))


# Files dropped on the window


def has_files(data: QMimeData) -> bool:
    """Whether the dragged data contain files."""
    return any(url.isLocalFile() for url in data.urls())


def dropped_model(session: Session, data: QMimeData) -> Path | None:
    """The dropped folder or GGUF file, from which a recipe can be made now; None for others."""
    paths = _paths(data)
    usable = len(paths) == 1 and _may_be_model(paths[0]) and session.editable
    return paths[0] if usable else None


def drop(session: Session, data: QMimeData) -> None:
    """Open the dropped recipe, or report why it cannot be opened."""
    paths = _paths(data)
    refusal = _refusal(session, paths)
    if refusal:
        session.report(refusal)
    else:
        open_file(session, paths[0])


def _paths(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def _may_be_model(path: Path) -> bool:
    return path.is_dir() or is_gguf(path)


def _refusal(session: Session, paths: list[Path]) -> RecipeError | None:
    if len(paths) != 1:
        return RecipeError(
            translate("RecipeFiles", "{0} files were dropped").format(len(paths)),
            next_step=translate("RecipeFiles", "Drop one recipe or model at a time."),
        )
    if paths[0].suffix.lower() != ENDING and not _may_be_model(paths[0]):
        return RecipeError(
            translate("RecipeFiles", "“{0}” is neither a recipe nor a model").format(paths[0].name),
            next_step=translate(
                "RecipeFiles", "A recipe is a .toml file; a model is a folder or a .gguf file."
            ),
        )
    if not session.editable:
        return RecipeError(
            translate("RecipeFiles", "The recipe cannot be changed during a run"),
            next_step=translate("RecipeFiles", "Stop the run with Esc, then drop the file again."),
        )
    return None


# Dialogs


def ask_open(session: Session, parent: QWidget) -> None:
    """Ask for a recipe file and open it."""
    ask_file(
        parent,
        translate("RecipeFiles", "Open recipe"),
        str(recipe_folder()),
        [_kind()],
        lambda path: open_file(session, Path(path)),
    )


def ask_save(session: Session, parent: QWidget) -> None:
    """Ask for a file and save the current recipe to it."""
    ask_new_file(
        parent,
        translate("RecipeFiles", "Save recipe"),
        _suggested(_own_name(session.recipe)),
        _kind(),
        lambda path: save_file(session, Path(path)),
    )


def ask_export(session: Session, recipe: Recipe, parent: QWidget) -> None:
    """Ask for a file and write a copy of ``recipe`` to it."""
    ask_new_file(
        parent,
        translate("RecipeFiles", "Export recipe"),
        _suggested(recipe.name),
        _kind(),
        lambda path: export(session, recipe, Path(path)),
    )


def _suggested(name: str) -> Path:
    return recipe_folder() / f"{file_stem(name, 'recipe')}{OWN_ENDING}"


def _kind() -> str:
    return translate("RecipeFiles", "Recipes ({0})").format(f"*{ENDING}")
