"""A lock file while the window is open, which tells the next start of a crash."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

_PREFIX = "running-"


class RunningMark:
    """A small file that its process holds on to; any number of windows may be open.

    The system lets go of it when the process ends in any way. So neither a clock that is set, nor a
    number that another process has by then, nor another machine in the same folder is taken for a
    crash.

    Args:
        folder: Where the marks are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / f"{_PREFIX}{os.getpid()}"
        self._held: TextIO | None = None

    def begin(self) -> bool:
        """Set the mark; whether an earlier window ended without taking its own away."""
        crashed = False
        with suppress(OSError):  # a folder that cannot be written only means that nothing is told
            for mark in sorted(self._folder.glob(f"{_PREFIX}*")):
                crashed |= _remove_if_unlocked(mark)
            self._held = _held(self._file)
        return crashed

    def end(self) -> None:
        """Take the mark away: the window ends as it should."""
        if self._held is None:
            return
        with suppress(OSError):
            if sys.platform != "win32":  # which takes no file away that is open
                self._file.unlink(missing_ok=True)
            self._held.close()
            self._file.unlink(missing_ok=True)
        self._held = None


def _held(path: Path) -> TextIO:
    """Make the file and hold on to it; nobody ever sees it let go."""
    if sys.platform == "win32":
        return path.open("w", encoding="utf-8")  # as long as it is open, nobody can take it away
    import fcntl

    unseen = path.with_name(f".{path.name}")
    file = unseen.open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unseen.replace(path)
    except BaseException:
        file.close()
        raise
    return file


def _remove_if_unlocked(mark: Path) -> bool:
    """Whether nobody holds on to the mark any more; it is gone then."""
    try:
        if sys.platform != "win32":
            import fcntl

            with mark.open(encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mark.unlink()
        else:
            mark.unlink()
    except (BlockingIOError, PermissionError, FileNotFoundError):
        return False
    return True
