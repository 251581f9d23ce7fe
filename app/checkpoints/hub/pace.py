"""How fast a download is, how long it will take, and whether it stands still."""

from __future__ import annotations

from collections import deque

_SECONDS_OF_MEMORY = 8.0
_SECONDS_UNTIL_STALLED = 5.0


class Pace:
    """Fed with how much is done at what time, whenever that is known, also when nothing changed."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()
        self._last_change = 0.0

    def add(self, now: float, done: int) -> None:
        """``done`` bytes were there at ``now``, in seconds of any steady clock."""
        if not self._points or done != self._points[-1][1]:
            self._last_change = now
        self._points.append((now, done))
        while len(self._points) > 2 and now - self._points[1][0] >= _SECONDS_OF_MEMORY:
            self._points.popleft()

    @property
    def bytes_per_second(self) -> float:
        """Over the last seconds; 0 until it is known."""
        if len(self._points) < 2:
            return 0.0
        (start, first), (end, last) = self._points[0], self._points[-1]
        return max(last - first, 0) / (end - start) if end > start else 0.0

    @property
    def stalled(self) -> bool:
        """Whether nothing has arrived for some seconds."""
        if not self._points:
            return False
        return self._points[-1][0] - self._last_change >= _SECONDS_UNTIL_STALLED

    def seconds_left(self, total: int) -> float | None:
        """Until ``total`` bytes are there at this speed; None where nobody can say."""
        if self.stalled or not self.bytes_per_second:
            return None
        return max(total - self._points[-1][1], 0) / self.bytes_per_second
