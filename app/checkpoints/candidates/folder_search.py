"""Search for models in a folder and the folders in it, by names of files. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.checkpoints.candidates.local_model import ADAPTER_CONFIG
from app.checkpoints.formats.gguf_files import gguf_files_in, is_gguf, is_model_file
from app.checkpoints.formats.gguf_parts import name_without_part

CONFIG = "config.json"
_DEPTH = 3
_MOST_FOLDERS = 5_000


@dataclass(frozen=True, slots=True)
class FoundModel:
    """Where a model is; its files have not been read yet.

    Attributes:
        source: As in a recipe.
        name: The name of its folder, file or repository, or the name that its program gives it.
        path: Its folder or GGUF file.
        program: The program that keeps it there, such as ``LM Studio``; empty for a folder of the
            person.
        unused: What its program adds to the model and is not used here, such as ``template``.
    """

    source: str
    name: str
    path: Path
    program: str = ""
    unused: tuple[str, ...] = ()


def model_at(path: Path) -> FoundModel | None:
    """The model in a folder or GGUF file, or None if there is none."""
    if is_gguf(path):
        return FoundModel(f"gguf:{path}", Path(name_without_part(path.name)).stem, path)
    for kind, name in (("adapter", ADAPTER_CONFIG), ("folder", CONFIG)):
        if (path / name).is_file():
            return FoundModel(f"{kind}:{path}", path.name, path)
    return None


def models_in_folder(
    folder: Path, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[FoundModel]:
    """The models in a folder and below it; hidden folders are left out."""
    waiting = [(folder, _DEPTH)]
    visited = 0
    while waiting and visited < _MOST_FOLDERS and not cancelled():
        here, depth = waiting.pop(0)
        visited += 1
        found = model_at(here)
        if found:
            yield found
            continue
        for file in gguf_files_in(here):
            if is_model_file(file):
                yield FoundModel(f"gguf:{file}", Path(name_without_part(file.name)).stem, file)
        if depth:
            waiting += [(below, depth - 1) for below in _folders_in(here)]


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(
            path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
    except OSError:
        return []  # unreadable: nothing in it can be loaded
