"""The folders in which a person keeps models, remembered from the recipes that were loaded."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path

import tomli_w

from app.atomic_files import write_file
from app.checkpoints.spec import Recipe
from app.settings import state_folder

_MOST = 12
_ON_THIS_DISK = ("folder:", "gguf:", "adapter:")


def used_folders() -> list[Path]:
    """The remembered folders that still exist, the latest first."""
    return [folder for folder in _remembered() if folder.is_dir()]


def folders_of(recipe: Recipe) -> list[Path]:
    """The folders that contain the models of a recipe, where others may be."""
    sources = (name for spec in recipe.checkpoints() for name in (spec.source, spec.over))
    return [folder for folder in map(_folder_of, sources) if folder]


def remember_folders_of(recipe: Recipe) -> None:
    """Remember the folders that contain the models of a recipe."""
    remember_folders(folders_of(recipe))


def remember_folders(folders: list[Path]) -> None:
    """Put folders first among the remembered ones."""
    before = _remembered()
    after = list(dict.fromkeys([*(folder.absolute() for folder in folders), *before]))[:_MOST]
    if set(after) == set(before):
        return  # another order is not worth a write at every load
    with suppress(OSError):  # the list is a mere convenience
        write_file(_file(), tomli_w.dumps({"folders": [str(folder) for folder in after]}))


def _folder_of(source: str) -> Path | None:
    """The folder that contains the model of a source, or None for other kinds of sources."""
    kind = next((kind for kind in _ON_THIS_DISK if source.startswith(kind)), None)
    path = source.removeprefix(kind or "")
    if kind is None or path.startswith("hub:"):
        return None
    return Path(path).expanduser().absolute().parent


def _remembered() -> list[Path]:
    try:
        listed = tomllib.loads(_file().read_text(encoding="utf-8"))["folders"]
        return [Path(folder) for folder in listed if isinstance(folder, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # missing or damaged


def _file() -> Path:
    return state_folder() / "model-folders.toml"
