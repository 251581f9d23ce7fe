"""``tuneshift chat`` on a terminal: prompts, editing, Ctrl+C and Ctrl+D."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import suppress

import pytest

fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
pytestmark = [pytest.mark.process, pytest.mark.slow]


class Pty:
    """A program on a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        self.fd, terminal = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
        self.process = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(terminal)
        self._unread = ""

    def until(self, text: str, seconds: float = 120) -> str:
        """What it prints until this text, of which a part comes in every ``seconds``."""
        while text not in self._unread:
            ready, _, _ = select.select([self.fd], [], [], seconds)
            assert ready, self._unread
            try:
                self._unread += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:  # the program has ended
                raise AssertionError(self._unread) from None
        before, _, self._unread = self._unread.partition(text)
        return before

    def interrupt(self, answer: str) -> None:
        """Press Ctrl+C at the prompt until it prints ``answer``.

        Python's readline misses a signal that comes just before it waits for keys, so the key is
        pressed again, as a person would.
        """
        for _ in range(20):
            self.type("\x03")
            with suppress(AssertionError):
                self.until(answer, seconds=15)
                return
        raise AssertionError(self._unread)

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)
        os.close(self.fd)


def test_a_conversation_on_a_terminal(chat_models: list[str]) -> None:
    chat = Pty([sys.executable, "-m", "app", *chat_models, "--greedy"])
    try:
        chat.until("/help lists the commands, Ctrl+D leaves.")
        chat.until(">>> ")
        chat.type("the king\n")
        assert "prompt tokens reused" in chat.until(">>> ")
        chat.type("/alpha x\n")
        assert "“x” is not a number" in chat.until(">>> ")
        chat.type('"""one\n')
        chat.until("... ")
        chat.type('two"""\n')
        chat.until(">>> ")
        chat.type("/edit\n")
        chat.until(">>> ")
        chat.interrupt("Ctrl+D or /exit leaves.")
        chat.until(">>> ")
        chat.type("/history\n")
        history = chat.until(">>> ")
        assert "User: the king" in history
        assert "User: one\r\ntwo" in history
        chat.type("/undo\n")
        chat.until(">>> ")
        chat.type("/edit\n")
        chat.until(">>> ")
        chat.type("s say\n")
        chat.until("prompt tokens reused")
        chat.until(">>> ")
        chat.type("/history\n")
        assert "User: the kings say" in chat.until(">>> ")
        chat.type("\x04")
        assert chat.process.wait(60) == 0
    finally:
        chat.close()
