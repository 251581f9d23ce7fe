"""The local Hub cache of downloaded models, shared with other programs. Uses no network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.atomic_files import write_file
from app.checkpoints.hub.ids import HubId
from app.checkpoints.hub.repository_files import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    CONFIG,
    INDEX,
    TOKENIZERS,
    WEIGHTS,
    HubFile,
)
from app.errors import HubError
from app.settings import cache_folder as own_cache_folder

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HEADERS_FORMAT = 1

TensorHeaders = dict[str, tuple[str, tuple[int, ...]]]
"""Safetensors dtype and shape of each tensor, by tensor name."""


@dataclass(frozen=True, slots=True)
class CachedModel:
    """One downloaded revision of a model.

    Attributes:
        id: The repository, ``owner/name``.
        commit: The revision, as a commit.
        size: Bytes on the disk.
        last_used: When one of the repository's files was last read, in seconds since the epoch.
        complete: Whether it can be loaded.
        names: The branches and tags that point to this commit.
    """

    id: str
    commit: str
    size: int
    last_used: float
    complete: bool
    names: tuple[str, ...] = ()


def cache_folder() -> Path:
    """The folder of the Hub cache; it may not exist yet."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def free_disk() -> int:
    """Free bytes on the disk of the Hub cache."""
    folder = cache_folder().absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def cached_folder(hub_id: HubId) -> Path | None:
    """The folder of a completely downloaded model, or None."""
    folder = _snapshot(hub_id)
    return folder if folder is not None and _is_complete(folder) else None


def metadata_folder(hub_id: HubId) -> Path | None:
    """The folder of a model with at least its configuration and tokenizer, or None."""
    folder = _snapshot(hub_id)
    return folder if folder is not None and _has_metadata(folder) else None


def tensor_headers(hub_id: HubId) -> TensorHeaders | None:
    """Dtype and shape of every tensor, if ``fetch_metadata`` has stored them, else None."""
    folder = _snapshot(hub_id)
    if folder is None:
        return None
    try:
        content = json.loads(_headers_path(hub_id.repo, folder.name).read_text(encoding="utf-8"))
        if content["format"] != _HEADERS_FORMAT:
            return None
        return {
            str(name): (str(dtype), tuple(int(length) for length in shape))
            for name, (dtype, shape) in content["tensors"].items()
        }
    except (OSError, ValueError, TypeError, KeyError):
        return None  # never stored, or damaged: it is fetched again


def store_headers(hub_id: HubId, commit: str, headers: TensorHeaders) -> None:
    """Store the tensor headers of a commit for :func:`tensor_headers`."""
    path = _headers_path(hub_id.repo, commit)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": _HEADERS_FORMAT, "tensors": headers}
    write_file(path, json.dumps(content))


def cached_models() -> list[CachedModel]:
    """Every downloaded revision of every model, most recently used first."""
    from huggingface_hub import scan_cache_dir

    if not cache_folder().is_dir():
        return []
    models = [
        CachedModel(
            id=repo.repo_id,
            commit=revision.commit_hash,
            size=revision.size_on_disk,
            last_used=repo.last_accessed,
            complete=_is_complete(revision.snapshot_path),
            names=tuple(sorted(revision.refs)),
        )
        for repo in scan_cache_dir(cache_folder()).repos
        if repo.repo_type == "model"
        for revision in repo.revisions
    ]
    return sorted(models, key=lambda model: (-model.last_used, model.id, model.commit))


def delete_cached(models: Iterable[CachedModel]) -> int:
    """Delete downloaded revisions and return the number of bytes freed.

    Files shared with another revision of the same model are kept.

    Raises:
        HubError: When something could not be deleted.
    """
    from huggingface_hub import scan_cache_dir

    models = list(models)
    if not models or not cache_folder().is_dir():
        return 0
    plan = scan_cache_dir(cache_folder()).delete_revisions(*(model.commit for model in models))
    plan.execute()
    for model in models:
        _headers_path(model.id, model.commit).unlink(missing_ok=True)
    left = [path for path in (*plan.repos, *plan.snapshots, *plan.blobs) if path.exists()]
    if left:
        raise HubError(
            "Not every file could be deleted",
            evidence=f"{left[0]} is still there",
            next_step="Check the permissions of the folder.",
        )
    return plan.expected_freed_size


def has_file(repo: str, commit: str, file: HubFile) -> bool:
    """Whether a file of a commit is in the cache, also if it was fetched for another commit."""
    folder = _repo_folder(repo)
    paths = [folder / "snapshots" / commit / file.name]
    if file.blob:
        paths.append(folder / "blobs" / file.blob)
    return any(path.is_file() for path in paths)


def forget_file(path: Path) -> None:
    """Delete a file of a snapshot and the blob that it links to."""
    content = path.resolve()
    path.unlink(missing_ok=True)
    content.unlink(missing_ok=True)


def _repo_folder(repo: str) -> Path:
    from huggingface_hub.file_download import repo_folder_name

    return cache_folder() / repo_folder_name(repo_id=repo, repo_type="model")


def _snapshot(hub_id: HubId) -> Path | None:
    folder = _repo_folder(hub_id.repo)
    commit = hub_id.revision
    if not _COMMIT.fullmatch(commit):
        try:
            commit = (folder / "refs" / commit).read_text(encoding="utf-8").strip()
        except OSError:
            return None
    snapshot = folder / "snapshots" / commit
    return snapshot if _COMMIT.fullmatch(commit) and snapshot.is_dir() else None


def _has_metadata(folder: Path) -> bool:
    if (folder / ADAPTER_CONFIG).is_file():
        return True  # an adapter uses the tokenizer of the model that it adapts
    has_tokenizer = any((folder / name).is_file() for name in TOKENIZERS)
    return has_tokenizer and (folder / CONFIG).is_file()


def _is_complete(folder: Path) -> bool:
    if not _has_metadata(folder):
        return False
    if (folder / ADAPTER_CONFIG).is_file() and not (folder / INDEX).is_file():
        return (folder / ADAPTER_WEIGHTS).is_file() or (folder / WEIGHTS).is_file()
    if (folder / WEIGHTS).is_file():
        return True
    shards = _shards(folder / INDEX)
    return bool(shards) and all((folder / shard).is_file() for shard in shards)


def _shards(index: Path) -> set[str]:
    try:
        places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        return {str(place) for place in places.values()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return set()


def _headers_path(repo: str, commit: str) -> Path:
    return own_cache_folder() / "headers" / f"{repo.replace('/', '--')}--{commit}.json"
