"""A trial of a GGUF file by llama.cpp in a process of its own, before the program loads it.

The library ends its process at some damaged files (a failed assertion in C++). A file is therefore
tried once where that harms nobody: loaded, and a few tokens read. What passed is remembered until
the file or the library changes, and the pages that the trial read are still in the system's cache.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from app.atomic_files import write_file
from app.checkpoints.fingerprint import fingerprint_of_weights
from app.checkpoints.loading.trial_process import trial_error, verdict_of, work
from app.decoding.llama_cpp.library import version
from app.errors import Cancelled, DeviceError, TuneshiftError
from app.settings import cache_folder

TRIAL = 1
"""Version of the trial; files that passed another are tried again."""

_POLL_SECONDS = 0.1
_SECONDS = 60.0
_BYTES_PER_SECOND = 50e6  # of a slow disk
_SAID_BYTES = 2_000
_MOST_BYTES = 100_000  # of a verdict


def try_in_child(files: Sequence[Path], cancelled: Callable[[], bool] = lambda: False) -> None:
    """Try a file in another process, unless it has passed before.

    Args:
        files: The GGUF file, or all parts of a split one in order.
        cancelled: Asked before the trial and several times a second during it.

    Raises:
        CheckpointError: The library ends its process with this file, refuses it, or does not come
            to an end.
        DeviceError: The library is missing, or there was not enough memory.
        Cancelled: ``cancelled`` returned True.
    """
    passed = _record(files)
    if passed.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "said")
        said.touch()
        error = _run(files, said, cancelled)
    if error:
        raise error
    passed.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # then it is tried again next time
        write_file(passed, "".join(f"{path}\n" for path in files))


def _record(files: Sequence[Path]) -> Path:
    """The file that says that these files passed in their present state."""
    times = [path.stat().st_mtime_ns for path in files]
    state = f"{TRIAL} {version()} {fingerprint_of_weights(files)} {times}"
    return cache_folder() / "gguf-trials" / hashlib.sha256(state.encode()).hexdigest()[:32]


def _run(files: Sequence[Path], said: Path, cancelled: Callable[[], bool]) -> TuneshiftError | None:
    """Why the files did not pass, or None if they did."""
    size = sum(path.stat().st_size for path in files)
    limit = _SECONDS + size / _BYTES_PER_SECOND
    ends = time.monotonic() + limit
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(tuple(files), said, size, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        while not cancelled():
            if ours.poll(_POLL_SECONDS):
                return verdict_of(ours.recv_bytes(_MOST_BYTES))
            if time.monotonic() > ends:
                return trial_error(files, f"llama.cpp needs more than {limit:.0f} s for it")
        raise Cancelled
    except EOFError:
        process.join()
        return _error_of_status(files, process.exitcode, said)
    except (OSError, ValueError) as error:
        return trial_error(files, f"its trial ended without a verdict: {error}")
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _error_of_status(files: Sequence[Path], status: int | None, said: Path) -> TuneshiftError:
    if hasattr(signal, "SIGKILL") and status == -signal.SIGKILL:
        return DeviceError(
            f"There was not enough memory to try {files[0].name}",
            evidence="the system ended the process",
            next_step="Close other programs, or choose a smaller model.",
        )
    lines = said.read_bytes()[-_SAID_BYTES:].decode(errors="replace").split("\n")
    failed = [line for line in lines if "GGML_ASSERT" in line or "error" in line.lower()]
    return trial_error(
        files, failed[0].strip() if failed else f"its process ended with status {status}"
    )
