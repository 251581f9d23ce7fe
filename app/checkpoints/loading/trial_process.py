"""The process in which llama.cpp tries a GGUF file for ``trial_load``. It imports little."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from app.errors import CheckpointError, DeviceError, TuneshiftError

_SPARE_BYTES = 4 << 30  # for buffers, beside a copy of the weights that suits the processor
_EVIDENCE = 200
_AGAIN = "Download or copy it again, or choose another file of this model."


def work(files: tuple[Path, ...], said: Path, size: int, connection: Connection) -> None:
    """Try the files; the entry point of the other process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent, which cancels
    _limit(size)
    os.environ["GGML_NO_BACKTRACE"] = "1"  # else it starts a debugger when it stops
    with said.open("wb") as file:
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                os.dup2(file.fileno(), stream.fileno())
    connection.send_bytes(json.dumps(_told(_verdict(files))).encode())
    connection.close()


def _told(error: TuneshiftError | None) -> dict[str, str] | None:
    if error is None:
        return None
    kind = "device" if isinstance(error, DeviceError) else "checkpoint"
    said = {"cause": error.cause, "evidence": error.evidence, "next_step": error.next_step}
    return {"kind": kind, **said}


def verdict_of(message: bytes) -> TuneshiftError | None:
    """What the other process said: why the files did not pass, or None if they did.

    Raises:
        ValueError: It is no verdict.
    """
    told = json.loads(message)
    if told is None:
        return None
    try:
        said = [str(told[name]) for name in ("cause", "evidence", "next_step")]
        kind = {"device": DeviceError, "checkpoint": CheckpointError}[told["kind"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"no verdict: {message[:80]!r}") from error
    return kind(said[0], evidence=said[1], next_step=said[2])


def _verdict(files: Sequence[Path]) -> TuneshiftError | None:
    from app.decoding.llama_cpp.llama_trial import compute_once

    try:
        compute_once(files)
    except TuneshiftError as error:
        return error
    except Exception as error:  # of ctypes, or of the binding
        return trial_error(files, f"{type(error).__name__}: {error}")
    return None


def _limit(size: int) -> None:
    """Limit the memory of this process, so that a hostile file cannot take all of it."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError, ValueError):  # the system has a lower limit already
            most = 2 * size + _SPARE_BYTES
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def trial_error(files: Sequence[Path], evidence: str) -> CheckpointError:
    """The error for files that llama.cpp cannot use."""
    return CheckpointError(
        f"llama.cpp cannot use the file {files[0]}",
        evidence=evidence[:_EVIDENCE],
        next_step=_AGAIN,
    )
