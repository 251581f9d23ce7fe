"""A progress line on stderr, shown only on a terminal."""

from __future__ import annotations

import os
import shutil
import sys

from app.checkpoints.status import LoadProgress


class ProgressLine:
    """A line on stderr that the next one overwrites, if that is a terminal that can do so.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._on = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not quiet
        self._shown = ""

    def show(self, text: str) -> None:
        if self._on and text != self._shown:
            self._shown = text
            fitting = text[
                : shutil.get_terminal_size().columns - 1
            ]  # a wrapped line could not be overwritten
            print(f"\r\033[K{fitting}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        self.show("")


def progress_text(progress: LoadProgress) -> str:
    """How far the loading of a role is, such as ``Loading the base: 40%``."""
    share = progress.done / max(progress.total, 1)
    if progress.packing:
        return f"Preparing the models for the CPU: {share:.0%}"
    return f"{'Proving' if progress.proving else 'Loading'} the {progress.role}: {share:.0%}"
