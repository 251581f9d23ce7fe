"""Estimate of the remaining loading time of each role."""

from __future__ import annotations

from app.checkpoints.status import LoadProgress

_SETTLED = 0.5
"""Minimum duration in seconds of a useful rate."""


class LoadRate:
    """Measures the loading rate of each role since its first progress report."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[float, int]] = {}
        self._latest: dict[str, tuple[float, LoadProgress]] = {}

    def note(self, progress: LoadProgress, now: float) -> None:
        """Record a progress report at time ``now``, in seconds of a monotonic clock."""
        if not progress.reads:
            self._latest.pop(progress.role, None)  # what is counted is not bytes of the files
            return
        self._began.setdefault(progress.role, (now, progress.done))
        self._latest[progress.role] = (now, progress)

    def seconds_left(self, role: str) -> float | None:
        """Estimated remaining time of ``role``; None while unknown."""
        if role not in self._latest:
            return None
        began, done_then = self._began[role]
        now, progress = self._latest[role]
        done = progress.done - done_then
        if now - began < _SETTLED or done <= 0:
            return None
        return (progress.total - progress.done) * (now - began) / done
