"""The time that counted work still takes."""

from __future__ import annotations

import time


class TimeLeft:
    """Estimates the time left from the pace since the first item that was counted."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def after(self, done: int, total: int) -> float | None:
        """The seconds left; None before the pace is known."""
        now = time.monotonic()
        if self._first is None:
            self._first = now, done
            return None
        began, first = self._first
        return (now - began) / (done - first) * (total - done) if done > first else None
