"""How long the loading of each role will still take, from how fast it has gone."""

from __future__ import annotations

from app.checkpoints.status import LoadProgress

_SETTLED = 0.5
"""Seconds before a rate says anything."""


class LoadRate:
    """Remembers when each role began to be read."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[float, int]] = {}
        self._latest: dict[str, tuple[float, LoadProgress]] = {}

    def note(self, progress: LoadProgress, now: float) -> None:
        """Take what was told at ``now``, in seconds of any clock that runs steadily."""
        if progress.proving:
            self._latest.pop(progress.role, None)  # its readings say nothing of bytes
            return
        self._began.setdefault(progress.role, (now, progress.done))
        self._latest[progress.role] = (now, progress)

    def seconds_left(self, role: str) -> float | None:
        """How long ``role`` will still take; None where it is too early to say."""
        if role not in self._latest:
            return None
        began, done_then = self._began[role]
        now, progress = self._latest[role]
        done = progress.done - done_then
        if now - began < _SETTLED or done <= 0:
            return None
        return (progress.total - progress.done) * (now - began) / done
