"""Search for models on this disk: in folders, in the Hub cache, and those that are shipped.

Imports no torch and uses no network. Reading many tokenizers takes seconds: search on a thread in
the background.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.checkpoints import hub
from app.checkpoints.candidates.local_model import ADAPTER_CONFIG, LocalModel, ModelReader
from app.checkpoints.formats.gguf_files import gguf_files_in, is_gguf, is_projector
from app.checkpoints.sources import builtin_checkpoints
from app.resources import resource

_CONFIG = "config.json"
_DEPTH = 3
_MOST_FOLDERS = 5_000
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\b")


@dataclass(frozen=True, slots=True)
class FoundModel:
    """Where a model is; its files have not been read yet."""

    source: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """How many of the found models have been read, and the name of the next."""

    done: int
    total: int
    name: str


def find_local_models(
    folders: Iterable[Path],
    reader: ModelReader | None = None,
    on_progress: Callable[[SearchProgress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[LocalModel, ...]:
    """The models in ``folders`` and below them, in the Hub cache, and the shipped ones.

    A model that cannot be used is among them, with its ``problem``.

    Args:
        folders: Folders to search, three levels deep.
        reader: The reader of an earlier search, which remembers what it has read.
        on_progress: Called before each model is read.
        cancelled: Asked before each folder and model; if it returns True, the models that have been
            read until then are returned.
    """
    reader = reader or ModelReader()
    listed = [
        *(found for folder in folders for found in models_in_folder(folder, cancelled)),
        *models_in_hub_cache(),
        *shipped_models(),
    ]
    distinct = list({found.path.resolve(): found for found in reversed(listed)}.values())[::-1]
    models = []
    for done, found in enumerate(distinct):
        if cancelled():
            break
        on_progress(SearchProgress(done, len(distinct), found.name))
        models.append(reader.read(found.source, found.name, found.path))
    return tuple(models)


def model_at(path: Path) -> FoundModel | None:
    """The model in a folder or GGUF file, or None if there is none."""
    if is_gguf(path):
        return FoundModel(f"gguf:{path}", path.stem, path)
    for kind, name in (("adapter", ADAPTER_CONFIG), ("folder", _CONFIG)):
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
            if not is_projector(file) and not _LATER_PART.search(file.name):
                yield FoundModel(f"gguf:{file}", file.stem, file)
        if depth:
            waiting += [(below, depth - 1) for below in _folders_in(here)]


def models_in_hub_cache() -> Iterator[FoundModel]:
    """The downloaded models of the Hub cache; a revision without a name is named by its commit."""
    for model in hub.cached_models():
        names = model.names
        named = "main" if "main" in names else next(iter(names), model.commit)
        folder = hub.cached_folder(hub.HubId(model.id, model.commit))
        if folder is not None:
            id_ = hub.HubId(model.id, named)
            adapter = (folder / ADAPTER_CONFIG).is_file() and not (folder / _CONFIG).is_file()
            yield FoundModel(f"adapter:{id_.source}" if adapter else id_.source, str(id_), folder)


def shipped_models() -> Iterator[FoundModel]:
    """The models that ship with the program."""
    for source in builtin_checkpoints():
        place = source.removeprefix("builtin:")
        yield FoundModel(source, place.rpartition("/")[2], resource(*place.split("/")))


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(
            path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
    except OSError:
        return []  # unreadable: nothing in it can be loaded
