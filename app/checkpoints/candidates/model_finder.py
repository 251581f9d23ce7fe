"""Search for models on this disk: in folders, where other programs keep theirs, and shipped ones.

Imports no torch and uses no network. Reading many tokenizers takes seconds: search on a thread in
the background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.checkpoints import hub
from app.checkpoints.candidates.folder_search import CONFIG, FoundModel, models_in_folder
from app.checkpoints.candidates.local_model import ADAPTER_CONFIG, LocalModel, ModelReader
from app.checkpoints.candidates.program_folders import (
    HUGGING_FACE,
    files_in_hub_cache,
    models_of_programs,
)
from app.checkpoints.sources import builtin_checkpoints
from app.resources import resource


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
    """The models in ``folders`` and below them, those of other programs, and the shipped ones.

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
        *models_of_programs(cancelled=cancelled),  # first, since their names say more
        *(found for folder in folders for found in models_in_folder(folder, cancelled)),
        *models_in_hub_cache(),
        *files_in_hub_cache(),
        *shipped_models(),
    ]
    distinct = list({found.path.resolve(): found for found in reversed(listed)}.values())[::-1]
    models = []
    for done, found in enumerate(distinct):
        if cancelled():
            break
        on_progress(SearchProgress(done, len(distinct), found.name))
        model = reader.read(found.source, found.name, found.path)
        models.append(replace(model, program=found.program, unused=found.unused))
    return tuple(models)


def models_in_hub_cache() -> Iterator[FoundModel]:
    """The downloaded models of the Hub cache; a revision without a name is named by its commit."""
    for model in hub.cached_models():
        names = model.names
        named = "main" if "main" in names else next(iter(names), model.commit)
        folder = hub.cached_folder(hub.HubId(model.id, model.commit))
        if folder is not None:
            id_ = hub.HubId(model.id, named)
            adapter = (folder / ADAPTER_CONFIG).is_file() and not (folder / CONFIG).is_file()
            source = f"adapter:{id_.source}" if adapter else id_.source
            yield FoundModel(source, str(id_), folder, HUGGING_FACE)


def shipped_models() -> Iterator[FoundModel]:
    """The models that ship with the program."""
    for source in builtin_checkpoints():
        place = source.removeprefix("builtin:")
        yield FoundModel(source, place.rpartition("/")[2], resource(*place.split("/")))
