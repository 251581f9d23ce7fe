"""Download of several files in parallel, with progress, hash check and cancellation."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from app.checkpoints.hub import cache
from app.checkpoints.hub.catalogue import HubModel, describe
from app.checkpoints.hub.hub_client import Guard
from app.checkpoints.hub.hub_errors import UnreachableError, corrupt, explain
from app.checkpoints.hub.ids import HubId
from app.checkpoints.hub.repository_files import HubFile
from app.errors import Cancelled, HubError

_AT_A_TIME = 4
_SECONDS_BETWEEN_REPORTS = 0.2
_SECONDS_TO_STOP = 3.0
_PATIENCE = 3
_HASHED_AT_A_TIME = 1024 * 1024

_Result = TypeVar("_Result")
_Task = Callable[[Guard], _Result]


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """Bytes downloaded, bytes needed in total, and the last file that received bytes."""

    done: int
    total: int
    file: str


def download(
    hub_id: HubId,
    on_progress: Callable[[DownloadProgress], None],
    cancelled: Callable[[], bool],
) -> Path:
    """Download the needed files of a model, check their hashes, and return the folder.

    Files in the cache are not downloaded again. ``on_progress`` is called in the calling thread
    several times a second, also while no bytes arrive. Finished files are always kept.

    Raises:
        HubError: The download failed; the error says why and what is kept.
        Cancelled: ``cancelled`` returned true; the text says what is kept, as does the text of a
            KeyboardInterrupt.
    """
    try:
        model = describe(hub_id)
    except UnreachableError:
        folder = cache.cached_folder(hub_id)
        if folder is None:
            raise
        return folder
    _check_sizes(model)
    _check_room(model.missing)
    return _Transfer(model, model.files, on_progress, cancelled).run()


def fetch_metadata(hub_id: HubId, cancelled: Callable[[], bool] = lambda: False) -> Path:
    """Download configuration, tokenizer and weight headers, and return the folder.

    They suffice to check a recipe before its weights are downloaded.

    Raises:
        HubError: The download failed; the error says why.
        Cancelled: ``cancelled`` returned true.
    """
    try:
        model = describe(hub_id)
    except UnreachableError:
        folder = cache.metadata_folder(hub_id)
        if folder is None:
            raise
        return folder
    small = tuple(file for file in model.files if not file.is_weights)
    _check_room(sum(file.size for file in small))
    transfer = _Transfer(model, small, lambda progress: None, cancelled)
    folder = transfer.run()
    if cache.tensor_headers(replace(hub_id, revision=folder.name)) is None:
        weights = [file.name for file in model.files if file.is_weights]
        cache.store_headers(hub_id, folder.name, transfer.headers(weights, folder.name))
    return folder


def _check_sizes(model: HubModel) -> None:
    from huggingface_hub import constants

    largest = max(model.files, key=lambda file: file.size)
    if largest.size > constants.MAX_HTTP_DOWNLOAD_SIZE:
        raise HubError(
            f"{model.id} has a file that is too large to be fetched in one piece",
            evidence=f"{largest.name} has {largest.size / 1e9:.1f} GB",
            next_step=f"Fetch it with: hf download {model.id.repo} --revision {model.id.revision}",
        )


def _check_room(needed: int) -> None:
    free = cache.free_disk()
    if needed > free:
        raise HubError(
            "There is not enough room on the disk",
            evidence=f"needed {needed / 1e9:.2f} GB, free {free / 1e9:.2f} GB "
            f"in {cache.cache_folder()}",
            next_step="Delete models that you no longer need, or other files.",
        )


class _Transfer:
    """One download of several files."""

    def __init__(
        self,
        model: HubModel,
        files: tuple[HubFile, ...],
        on_progress: Callable[[DownloadProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._model = model
        self._files = files
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._arrived = dict.fromkeys((file.name for file in files), 0)
        self._finished: set[str] = set()
        self._latest = files[0].name

    def run(self) -> Path:
        """Download the files and return the folder of the snapshot."""
        first, *others = self._files
        # The first file is asked for by the name of the revision, so that the cache learns what it
        # means; the others by the commit, so that they belong together.
        folder = self._all([partial(self._fetch, first, self._model.id.revision)])[0].parent
        self._all([partial(self._fetch, file, folder.name) for file in others])
        self._report()
        return folder

    def headers(self, weights: list[str], commit: str) -> cache.TensorHeaders:
        """Headers of the weight files, read from the Hub without the weights."""
        found: cache.TensorHeaders = {}
        for header in self._all([partial(self._header, name, commit) for name in weights]):
            found |= header
        return found

    def add(self, name: str, count: int) -> None:
        """Count ``count`` more bytes of a file; negative if the file starts again."""
        with self._lock:
            self._arrived[name] += count
            self._latest = name

    def _all(self, tasks: list[_Task[_Result]]) -> list[_Result]:
        """Run the tasks on several threads; the first failure stops the others."""
        guards = [Guard(_PATIENCE) for _ in tasks]
        pool = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="hub")
        futures = [
            pool.submit(_guarded, task, guard) for task, guard in zip(tasks, guards, strict=True)
        ]
        try:
            self._watch(futures)
            return [future.result() for future in futures]
        except (Exception, KeyboardInterrupt) as error:
            raise self._told(error) from error
        finally:
            for guard in guards:
                guard.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            wait([future for future in futures if not future.cancelled()], _SECONDS_TO_STOP)

    def _watch(self, futures: list[Future[_Result]]) -> None:
        waiting = set(futures)
        while waiting:
            done, waiting = wait(waiting, _SECONDS_BETWEEN_REPORTS, FIRST_EXCEPTION)
            for future in done:
                future.result()
            if self._cancelled():
                raise Cancelled
            self._report()

    def _report(self) -> None:
        with self._lock:
            progress = DownloadProgress(
                sum(self._arrived.values()), sum(file.size for file in self._files), self._latest
            )
        self._on_progress(progress)

    def _fetch(self, file: HubFile, revision: str, guard: Guard) -> Path:
        from huggingface_hub import hf_hub_download

        repo = self._model.id.repo
        was_here = cache.has_file(repo, self._model.commit, file)
        bar: Any = partial(_Bar, self, file.name, guard)
        path = Path(
            hf_hub_download(
                repo,
                file.name,
                revision=revision,
                cache_dir=cache.cache_folder(),
                tqdm_class=bar,
            )
        )
        if path.parent.name != self._model.commit:
            raise HubError(
                f"{self._model.id} was changed on the Hub a moment ago",
                next_step="Start the download again.",
            )
        if not was_here:
            _check_content(path, file, guard)
        with self._lock:
            self._arrived[file.name] = file.size
            self._finished.add(file.name)
        return path

    def _header(self, name: str, commit: str, guard: Guard) -> cache.TensorHeaders:
        from huggingface_hub import HfApi

        guard.check()
        read = HfApi().parse_safetensors_file_metadata(self._model.id.repo, name, revision=commit)
        return {tensor: (info.dtype, tuple(info.shape)) for tensor, info in read.tensors.items()}

    def _told(self, error: Exception | KeyboardInterrupt) -> BaseException:
        """The :class:`HubError` for ``error``, with a note of what is kept."""
        if isinstance(error, Cancelled | KeyboardInterrupt):
            text = f"The download of {self._model.id} was stopped. {self._kept()}"
            return type(error)(text.strip())
        told = explain(error, self._model.id)
        if not isinstance(told, HubError):
            return told
        return type(told)(
            told.cause,
            evidence=told.evidence,
            next_step=f"{told.next_step} {self._kept()}".strip(),
        )

    def _kept(self) -> str:
        if self._finished:
            count = f"{len(self._finished)} of {len(self._files)}"
            return f"Finished files are kept ({count}); an unfinished file starts again."
        if any(self._arrived.values()):
            return "No file was finished; the download starts again."
        return ""


class _Bar:
    """Progress bar class given to the library; it receives every piece of a file."""

    def __init__(self, transfer: _Transfer, name: str, guard: Guard, **_: object) -> None:
        self._transfer = transfer
        self._name = name
        self._guard = guard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, count: float = 1) -> None:
        self._guard.check()
        self._transfer.add(self._name, int(count))


def _guarded(task: _Task[_Result], guard: Guard) -> _Result:
    with guard:
        guard.check()
        return task(guard)


def _check_content(path: Path, file: HubFile, guard: Guard) -> None:
    """Compare the content of a file with its hash on the Hub; the library compares sizes only."""
    if not file.blob:
        return
    expected = file.blob
    size = path.stat().st_size
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % size)
    with path.open("rb") as content:
        while piece := content.read(_HASHED_AT_A_TIME):
            guard.check()
            digest.update(piece)
    if digest.hexdigest() != expected:
        cache.forget_file(path)
        raise corrupt(file.name, f"its hash is {digest.hexdigest()[:12]}…, not {expected[:12]}…")
