"""The messages that a person types in ``tuneshift chat``, or that a pipe holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

from app.cli.text_input import decode_text, standard_input

_PROMPT, _MORE = ">>> ", "... "
_QUOTES = '"""'


class ChatInput:
    r"""Reads messages. A line that ends with ``\`` and a text in ``\"\"\"`` have several lines.

    Args:
        commands: The commands that the Tab key completes.
    """

    def __init__(self, commands: Sequence[str]) -> None:
        self.interactive = sys.stdin is not None and sys.stdin.isatty()
        self._readline = _readline(commands) if self.interactive else None

    def read(self, begun: str = "") -> str | None:
        """The next message; None at the end of the input.

        Args:
            begun: Text that the line begins with and that can be edited, if the terminal can.

        Raises:
            PromptError: The input cannot be read.
            KeyboardInterrupt: Ctrl+C was pressed.
        """
        line = self._line(_PROMPT, begun)
        if line is None:
            return None
        if line.startswith(_QUOTES):
            return self._quoted(line.removeprefix(_QUOTES))
        while line.endswith("\\"):
            more = self._line(_MORE)
            if more is None:
                break
            line = f"{line[:-1]}\n{more}"
        return line

    @property
    def edits(self) -> bool:
        """Whether a line can begin with text that can be edited."""
        return self._readline is not None

    def _quoted(self, line: str) -> str:
        lines = []
        while not line.endswith(_QUOTES):
            lines.append(line)
            more = self._line(_MORE)
            if more is None:
                return "\n".join(lines)
            line = more
        return "\n".join([*lines, line.removesuffix(_QUOTES)]).strip("\n")

    def _line(self, prompt: str, begun: str = "") -> str | None:
        if not self.interactive:
            return self._piped_line()
        try:
            if not (begun and self._readline):
                return input(prompt)
            insert = self._readline.insert_text
            self._readline.set_startup_hook(lambda: insert(begun))
            try:
                return input(prompt)
            finally:
                self._readline.set_startup_hook()
        except EOFError:
            return None

    def _piped_line(self) -> str | None:
        content = standard_input(lambda stream: stream.readline())
        line = decode_text(content, "The line on standard input").removesuffix("\n")
        return line.removesuffix("\r") if content else None


def _readline(commands: Sequence[str]) -> ModuleType | None:
    """The library that edits lines, set up to complete commands; None where it is missing."""
    try:
        import readline
    except ImportError:
        return None

    def complete(text: str, state: int) -> str | None:
        whole = readline.get_line_buffer() == text
        found = [name for name in commands if whole and text and name.startswith(text)]
        return f"{found[state]} " if state < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n")
    readline.parse_and_bind("tab: complete")
    return readline
