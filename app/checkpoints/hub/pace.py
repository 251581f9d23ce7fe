"""Download rate, remaining time, and detection of stalled downloads."""

from __future__ import annotations

from collections import deque

_SECONDS_OF_MEMORY = 8.0
_SECONDS_UNTIL_STALLED = 5.0


class Pace:
    """Estimates the rate of a download from samples of bytes and time.

    :meth:`add` is called at regular intervals, also when no bytes arrived.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()
        self._last_change = 0.0

    def add(self, now: float, done: int) -> None:
        """Record that ``done`` bytes had arrived at ``now``, in seconds of a monotonic clock."""
        if not self._points or done != self._points[-1][1]:
            self._last_change = now
        self._points.append((now, done))
        while len(self._points) > 2 and now - self._points[1][0] >= _SECONDS_OF_MEMORY:
            self._points.popleft()

    @property
    def bytes_per_second(self) -> float:
        """The mean rate of the last seconds; 0 until it is known."""
        if len(self._points) < 2:
            return 0.0
        (start, first), (end, last) = self._points[0], self._points[-1]
        return max(last - first, 0) / (end - start) if end > start else 0.0

    @property
    def stalled(self) -> bool:
        """Whether no bytes have arrived for some seconds."""
        if not self._points:
            return False
        return self._points[-1][0] - self._last_change >= _SECONDS_UNTIL_STALLED

    def seconds_left(self, total: int) -> float | None:
        """Seconds until ``total`` bytes have arrived at the current rate; None if it is unknown."""
        if self.stalled or not self.bytes_per_second:
            return None
        return max(total - self._points[-1][1], 0) / self.bytes_per_second
