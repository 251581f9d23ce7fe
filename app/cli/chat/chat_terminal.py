"""What ``tuneshift chat`` prints: answers on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys

from app.cli.output import print_exactly
from app.cli.progress_line import ProgressLine
from app.decoding.thinking import Kind
from app.errors import TuneshiftError

_DIM, _PLAIN = "\033[2m", "\033[0m"
_CONTROLS = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    **dict.fromkeys(range(0x7F, 0xA0), 0xFFFD),
}
"""Control characters of an answer, which could change the terminal, and what is shown instead."""


class ChatTerminal:
    """The terminal of a conversation.

    Args:
        quiet: Print only answers and errors.
        hide_thinking: Do not print what a model thinks before its answer.
    """

    def __init__(self, *, quiet: bool, hide_thinking: bool) -> None:
        self._quiet = quiet
        self._hide_thinking = hide_thinking
        self._shown = sys.stdout.isatty()
        self._styled = self._shown and "NO_COLOR" not in os.environ
        self._styled = self._styled and os.environ.get("TERM") != "dumb"
        self._dimmed = False
        self._at_line_start = True
        self.progress = ProgressLine(quiet=quiet)

    def write(self, kind: Kind, text: str) -> None:
        """Print a part of an answer.

        Raises:
            OutputClosedError: Standard output cannot be written.
        """
        if kind is not Kind.ANSWER and self._hide_thinking:
            return
        self._at_line_start = text.endswith("\n") if text else self._at_line_start
        self._print(text.translate(_CONTROLS) if self._shown else text, dim=kind is not Kind.ANSWER)

    def end_answer(self) -> None:
        """End the line of an answer."""
        self._print("" if self._at_line_start else "\n")
        self._at_line_start = True

    def show(self, text: str) -> None:
        """Print the result of a command."""
        self._print(f"{text}\n")

    def note(self, text: str) -> None:
        """Print a remark to stderr, where that is a terminal."""
        if not self._quiet and sys.stderr.isatty():
            dim, plain = (_DIM, _PLAIN) if self._styled else ("", "")
            print(f"{dim}{text}{plain}", file=sys.stderr, flush=True)

    def warn(self, text: str | TuneshiftError) -> None:
        """Print an error, or a warning that is no error, to stderr."""
        print(f"tuneshift: {text}", file=sys.stderr, flush=True)

    def _print(self, text: str, *, dim: bool = False) -> None:
        if self._styled and dim != self._dimmed:
            text = (_DIM if dim else _PLAIN) + text
            self._dimmed = dim
        print_exactly(text)
