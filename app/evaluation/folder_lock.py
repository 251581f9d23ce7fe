"""A lock on the folder of an evaluation, which the system releases when its process ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.errors import EvaluationError

_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def lock_folder(
    folder: Path, rank: int = 0, *, work: str = "evaluation", option: str = "--output"
) -> Iterator[None]:
    """Lock a folder, so that two evaluations do not answer the same questions into its files.

    The lock file stays when the lock is released: deleting it could release another lock. On file
    systems without locks the folder is used without one.

    Args:
        folder: The folder, created if it does not exist.
        rank: Index of this process among those that share the evaluation; each has its own lock.
        work: What is done in the folder, for errors.
        option: The option of the command line that chooses the folder, for errors.

    Raises:
        EvaluationError: Another evaluation uses the folder, or it cannot be written.
    """
    path = folder / f".lock{f'-{rank}' if rank else ''}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+")
    except OSError as error:
        raise EvaluationError(
            f"{folder} cannot be written",
            evidence=error.strerror or str(error),
            next_step=f"Choose another folder with {option}.",
        ) from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno in _TAKEN:
                raise _in_use(folder, file, work, option) from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()).encode())
        file.flush()
        yield


def _lock(file: BinaryIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(2**20)  # behind the content, which others can then read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _in_use(folder: Path, file: BinaryIO, work: str, option: str) -> EvaluationError:
    file.seek(0)
    owner = file.read(20).decode(errors="replace")
    return EvaluationError(
        f"Another {work} is writing to {folder}",
        evidence=f"process {owner}" if owner.isdecimal() else "",
        next_step=f"Wait until it has ended, or choose another folder with {option}.",
    )
