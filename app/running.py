"""A mark on the disk while the window is open, which tells the next start whether it ended well."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

_PREFIX = "running-"


class RunningMark:
    """A small file named by the process; any number of windows may be open.

    Args:
        folder: Where the marks are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / f"{_PREFIX}{os.getpid()}"

    def begin(self) -> bool:
        """Set the mark; whether an earlier window ended without taking its own away."""
        crashed = False
        with suppress(OSError):  # a folder that cannot be written only means that nothing is told
            for mark in self._folder.glob(f"{_PREFIX}*"):
                if _is_of_the_dead(mark):
                    crashed = True
                    mark.unlink(missing_ok=True)
            self._file.write_text(str(psutil.Process().create_time()), encoding="utf-8")
        return crashed

    def end(self) -> None:
        """Take the mark away: the window ends as it should."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


def _is_of_the_dead(mark: Path) -> bool:
    """Whether the process that set the mark is gone; its number may be another process's now."""
    try:
        process = psutil.Process(int(mark.name.removeprefix(_PREFIX)))
        return str(process.create_time()) != mark.read_text(encoding="utf-8")
    except (psutil.NoSuchProcess, ValueError):
        return True
    except (psutil.AccessDenied, FileNotFoundError):
        return False
