"""Conversion of a GGUF file to a checkpoint folder in the cache, once.

Weights are converted in a process of its own, which can be cancelled at any moment and releases all
its memory. The vocabulary and the configuration alone are converted in this one: a large vocabulary
takes two seconds, and a process as long to start.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from app.checkpoints.formats import gguf
from app.checkpoints.formats.gguf_metadata import ANOTHER_FILE, UnusableError
from app.errors import Cancelled, CheckpointError, DeviceError, TuneshiftError

_POLL_SECONDS = 0.1
_DISK_FACTOR = 1.05  # for the tokenizer beside the weights
_PARTIAL = "partial-"


def convert(
    path: Path,
    *,
    weights: bool = True,
    by_llama: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Convert a file unless that was done before; returns the folder of the checkpoint.

    Args:
        path: A GGUF file.
        weights: Whether to convert the weights too; without them it takes a second or two, and is
            done in this process.
        by_llama: Whether llama.cpp reads the weights.
        on_progress: Called with the bytes of weights written and their total.
        cancelled: Called several times a second.

    Raises:
        CheckpointError: The file cannot be converted, or the disk is full.
        DeviceError: There is not enough memory.
        Cancelled: ``cancelled`` returned true; partial results are removed.
    """
    header = gguf.read_header(path, by_llama=by_llama)
    complete, metadata = gguf.weights_folder(path), gguf.metadata_folder(path)
    if complete.is_dir() or (metadata.is_dir() and not weights):
        return complete if complete.is_dir() else metadata
    target = complete if weights else metadata
    root = target.parent
    root.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    size = header.converted_bytes if weights else 0
    _require_disk_space(path, root, size)
    partial = Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{os.getpid()}-", dir=root))
    task = _Task(path, partial, weights, metadata if metadata.is_dir() else None)
    try:
        if weights:
            _run(task, size, on_progress, cancelled)
        else:
            _run_here(task, cancelled)
        (partial / gguf.CONVERTED_FROM).write_bytes(os.fsencode(path.resolve()))
        _move(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for folder in gguf.conversions_of(path):
        if folder not in (target, metadata):  # which a role of llama.cpp may use
            shutil.rmtree(folder, ignore_errors=True)
    return target


@dataclass(frozen=True, slots=True)
class _Task:
    """The task of the other process; see :func:`write_checkpoint` for the attributes."""

    path: Path
    folder: Path
    weights: bool
    metadata: Path | None


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a conversion failed; ``next_step`` is empty if only the general advice applies."""

    evidence: str
    memory: bool
    disk: bool
    next_step: str = ""


def _require_disk_space(path: Path, root: Path, size: int) -> None:
    needed, free = int(size * _DISK_FACTOR), shutil.disk_usage(root).free
    if needed > free:
        raise CheckpointError(
            f"There is not enough disk space to convert {path}",
            evidence=f"needed {needed / 1e9:.1f} GB, free {free / 1e9:.1f} GB in {root}",
            next_step="Free some space, or set XDG_CACHE_HOME to a larger disk.",
        )


def is_being_written(folder: Path) -> bool:
    """Whether ``folder`` is a partial conversion of a process that runs."""
    if not folder.name.startswith(_PARTIAL):
        return False
    owner = folder.name.removeprefix(_PARTIAL).partition("-")[0]
    return not owner.isdecimal() or psutil.pid_exists(int(owner))


def _remove_abandoned(root: Path) -> None:
    """Remove partial conversions of processes that no longer run."""
    for folder in root.glob(f"{_PARTIAL}*"):
        if not is_being_written(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _move(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError:
        if not target.is_dir():  # else another process has converted the file
            raise


def _run(
    task: _Task,
    size: int,
    on_progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, theirs), daemon=True)
    process.start()
    theirs.close()
    on_progress(0, size)
    try:
        for share in _messages(ours, cancelled):
            if isinstance(share, _Failure):
                raise _error(task.path, share)
            on_progress(int(share * size), size)
        process.join()
        if process.exitcode:
            raise _error(task.path, _failure_of_status(process.exitcode))
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()
    on_progress(size, size)


def _run_here(task: _Task, cancelled: Callable[[], bool]) -> None:
    from app.checkpoints.formats.gguf_checkpoint import write_checkpoint

    if cancelled():
        raise Cancelled
    try:
        write_checkpoint(task.path, task.folder, task.weights, task.metadata)
    except Exception as error:  # the libraries raise exceptions of many types
        raise _error(task.path, _failure_of(error)) from error


def _messages(connection: Connection, cancelled: Callable[[], bool]) -> Iterator[float | _Failure]:
    """The messages of the other process until it ends: shares done, or a failure."""
    while True:
        if cancelled():
            raise Cancelled
        if connection.poll(_POLL_SECONDS):
            try:
                yield connection.recv()
            except EOFError:
                return


def _failure_of(error: Exception) -> _Failure:
    if isinstance(error, UnusableError):
        return _Failure(str(error), memory=False, disk=False, next_step=error.next_step)
    lines = str(error).strip().splitlines()
    return _Failure(
        evidence=lines[0] if lines else type(error).__name__,
        memory=isinstance(error, MemoryError) or "can't allocate memory" in str(error),
        disk=isinstance(error, OSError) and error.errno == errno.ENOSPC,
    )


def _failure_of_status(status: int) -> _Failure:
    # SIGKILL: the system ran out of memory. Windows has no such signal.
    killed = hasattr(signal, "SIGKILL") and status == -signal.SIGKILL
    return _Failure(f"the conversion ended with status {status}", memory=killed, disk=False)


def _error(path: Path, failure: _Failure) -> TuneshiftError:
    if failure.memory:
        return DeviceError(
            f"There was not enough memory to convert {path}",
            evidence=failure.evidence,
            next_step="Close other programs, or choose a smaller model.",
        )
    if failure.disk:
        return CheckpointError(
            f"The disk was full while {path} was converted",
            evidence=failure.evidence,
            next_step="Free some space and try again.",
        )
    return CheckpointError(
        f"The file {path} cannot be converted",
        evidence=failure.evidence,
        next_step=failure.next_step or ANOTHER_FILE,
    )


def _work(task: _Task, connection: Connection) -> None:
    """Convert a file; the entry point of the other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent, which cancels
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        try:
            from app.checkpoints.formats.gguf_checkpoint import write_checkpoint

            write_checkpoint(task.path, task.folder, task.weights, task.metadata, connection.send)
        except Exception as error:  # the libraries raise exceptions of many types
            connection.send(_failure_of(error))
        connection.close()
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
