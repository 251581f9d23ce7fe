"""One line on stderr that is written over, on a terminal only."""

from __future__ import annotations

import shutil
import sys


class StatusLine:
    """What is happening now; nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()

    def show(self, text: str) -> None:
        if self._on:
            fitting = text[: shutil.get_terminal_size().columns - 1]  # a second line would stay
            print(f"\r\033[K{fitting}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        self.show("")
