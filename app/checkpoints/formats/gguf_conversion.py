"""Converting a GGUF file once into a checkpoint folder, in a process of its own.

A large vocabulary takes many seconds of pure Python. In another process this does not hold up the
window, ends at once when it is cancelled, and gives back all its memory.
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
_ROOM = 1.05  # the tokenizer is written too
_PARTIAL = "partial-"


def convert(
    path: Path,
    *,
    weights: bool = True,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The folder of the converted checkpoint; what was converted before is used again.

    Args:
        path: A GGUF file.
        weights: Whether the weights are needed; configuration and tokenizer are quicker.
        on_progress: Called with bytes done and bytes in all while weights are converted.
        cancelled: Asked several times a second.

    Raises:
        CheckpointError: The file cannot be used, or there is no room for the result.
        DeviceError: There is not enough memory.
        Cancelled: When ``cancelled`` says so; nothing is left of the conversion.
    """
    header = gguf.read_header(path)
    complete, metadata = gguf.weights_folder(path), gguf.metadata_folder(path)
    if complete.is_dir() or (metadata.is_dir() and not weights):
        return complete if complete.is_dir() else metadata
    target = complete if weights else metadata
    root = target.parent
    root.mkdir(parents=True, exist_ok=True)
    _forget_broken_off(root)
    size = header.converted_bytes if weights else 0
    _require_room(path, root, size)
    partial = Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{os.getpid()}-", dir=root))
    order = _Order(path, partial, weights, metadata if metadata.is_dir() else None)
    try:
        _run(order, size, on_progress, cancelled)
        _move(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for folder in gguf.conversions_of(path):
        if folder != target:
            shutil.rmtree(folder, ignore_errors=True)
    return target


@dataclass(frozen=True, slots=True)
class _Order:
    """What the other process is to do; ``metadata`` is what was converted without weights."""

    path: Path
    folder: Path
    weights: bool
    metadata: Path | None


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a conversion failed; ``next_step`` is empty where the evidence does not tell it."""

    evidence: str
    memory: bool
    disk: bool
    next_step: str = ""


def _require_room(path: Path, root: Path, size: int) -> None:
    needed, free = int(size * _ROOM), shutil.disk_usage(root).free
    if needed > free:
        raise CheckpointError(
            f"There is no room on the disk to convert {path}",
            evidence=f"needed {needed / 1e9:.1f} GB, free {free / 1e9:.1f} GB in {root}",
            next_step="Free some space, or set XDG_CACHE_HOME to a larger disk.",
        )


def _forget_broken_off(root: Path) -> None:
    """Remove what a process left that ended in the middle."""
    for folder in root.glob(f"{_PARTIAL}*"):
        owner = folder.name.removeprefix(_PARTIAL).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _move(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError:
        if not target.is_dir():  # otherwise another Tuneshift was quicker
            raise


def _run(
    order: _Order,
    size: int,
    on_progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(order, theirs), daemon=True)
    process.start()
    theirs.close()
    on_progress(0, size)
    try:
        for share in _messages(ours, cancelled):
            if isinstance(share, _Failure):
                raise _error(order.path, share)
            on_progress(int(share * size), size)
        process.join()
        if process.exitcode:
            raise _error(order.path, _ended(process.exitcode))
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()
    on_progress(size, size)


def _messages(connection: Connection, cancelled: Callable[[], bool]) -> Iterator[float | _Failure]:
    """What the other process tells until it ends."""
    while True:
        if cancelled():
            raise Cancelled
        if connection.poll(_POLL_SECONDS):
            try:
                yield connection.recv()
            except EOFError:
                return


def _ended(status: int) -> _Failure:
    # By the system, which does it when memory runs out; Windows has no such signal.
    killed = hasattr(signal, "SIGKILL") and status == -signal.SIGKILL
    return _Failure(f"the conversion ended with status {status}", memory=killed, disk=False)


def _error(path: Path, failure: _Failure) -> TuneshiftError:
    if failure.memory:
        return DeviceError(
            f"The memory was not enough to convert {path}",
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


def _work(order: _Order, connection: Connection) -> None:
    """Runs in the other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent, which cancels
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        try:
            from app.checkpoints.formats.gguf_checkpoint import write_checkpoint

            write_checkpoint(
                order.path, order.folder, order.weights, order.metadata, connection.send
            )
        except UnusableError as error:
            connection.send(
                _Failure(str(error), memory=False, disk=False, next_step=error.next_step)
            )
        except Exception as error:  # the libraries raise many kinds for files they cannot use
            lines = str(error).strip().splitlines()
            connection.send(
                _Failure(
                    evidence=lines[0] if lines else type(error).__name__,
                    memory=isinstance(error, MemoryError) or "can't allocate memory" in str(error),
                    disk=isinstance(error, OSError) and error.errno == errno.ENOSPC,
                )
            )
        connection.close()
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
