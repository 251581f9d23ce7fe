"""A pause of the engine between two events, in which a window draws a frame."""

from __future__ import annotations

import threading
from collections.abc import Callable


class FramePause:
    """Lets the engine wait while a window draws, instead of competing with it.

    Most calls of Qt let go of Python's lock and take it again, about 900 times in a frame. While
    the engine decodes, each of them is a switch between the two threads: a frame then takes three
    times as long, and the engine needs more time for each token as well.

    The window asks, the engine waits once it has put out its next event, and the window, which was
    called, draws and ends the pause. Whoever asks must be ready to be called at any time.

    Args:
        begin: Called on the engine's thread when it begins to wait.
    """

    LONGEST_SECONDS = 0.03
    """A window that is busy with something else delays the engine no longer."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._asked = False
        self._ended = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether the window asked, and the engine has not paused since."""
        return self._asked

    def ask(self) -> None:
        """Ask for a pause after the next event; on the window's thread."""
        self._ended.clear()
        self._asked = True

    def end(self) -> None:
        """Let the engine go on, and do not ask any more; on the window's thread."""
        self._asked = False
        self._ended.set()

    def take(self) -> bool:
        """Pause if the window asked, and return whether it did; on the engine's thread."""
        if not self._asked:
            return False
        self._asked = False
        self._begin()
        self._ended.wait(self.LONGEST_SECONDS)
        return True
