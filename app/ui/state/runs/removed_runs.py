"""Removed runs, which can be restored with their branches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.ui.state.runs.run import Run

MOST = 20
"""Number of runs that can be restored; the logits of older ones are deleted."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A removed run.

    Attributes:
        place: Its index in the list.
        branches: Its branches, each with the index of the token where it forked.
    """

    run: Run
    place: int
    branches: tuple[tuple[Run, int], ...]

    @classmethod
    def take_out(cls, run: Run, runs: list[Run]) -> Removed:
        """Remove ``run`` from ``runs``; its parent becomes the parent of its branches."""
        branches = tuple((other, other.fork) for other in runs if other.parent is run)
        for branch, fork in branches:
            branch.parent, branch.fork = run.parent, min(fork, run.fork)
        place = runs.index(run)
        del runs[place]
        return cls(run, place, branches)

    def put_back(self, runs: list[Run]) -> None:
        """Insert the run at its old index, and make it the parent of its branches again."""
        runs.insert(min(self.place, len(runs)), self.run)
        if self.run.parent not in runs:
            self.run.parent = None
        for branch, fork in self.branches:
            branch.parent, branch.fork = self.run, fork


class RemovedRuns:
    """Stack of removed runs."""

    def __init__(self) -> None:
        self._removed: list[Removed] = []

    def __iter__(self) -> Iterator[Run]:
        return (removed.run for removed in self._removed)

    @property
    def last(self) -> Run | None:
        """The run that was removed last."""
        return self._removed[-1].run if self._removed else None

    def take_out(self, run: Run, runs: list[Run]) -> int:
        """Remove ``run`` from ``runs``; returns its index."""
        self._removed.append(Removed.take_out(run, runs))
        if len(self._removed) > MOST:
            self._removed.pop(0).run.rows.forget()
        return self._removed[-1].place

    def put_back(self, run: Run, runs: list[Run]) -> None:
        """Insert the removed ``run`` into ``runs`` again."""
        removed = next(removed for removed in self._removed if removed.run is run)
        self._removed.remove(removed)
        removed.put_back(runs)
