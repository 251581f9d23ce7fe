"""Removed runs, which can be restored with their branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.ui.state.runs.run import Run, same_place

MOST = 20
"""Number of removals that can be undone; the logits of older removed runs are deleted."""


def answers_from(run: Run, runs: list[Run]) -> list[Run]:
    """``run`` and all answers of ``runs`` that follow it in its conversation, ``run`` first."""
    found = [run]
    for one in found:
        found += [other for other in runs if other.follows is one]
    return found


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
    """Stack of removals: each a run with the answers that followed it in a conversation."""

    def __init__(self) -> None:
        self._removed: list[list[Removed]] = []

    def __iter__(self) -> Iterator[Run]:
        return (removed.run for together in self._removed for removed in together)

    @property
    def last(self) -> Run | None:
        """The run that was removed last; the answers after it are not counted."""
        return self._removed[-1][0].run if self._removed else None

    def take_out(self, run: Run, runs: list[Run]) -> int:
        """Remove ``run`` and the answers after it from ``runs``; returns the index of ``run``."""
        together = [Removed.take_out(one, runs) for one in reversed(answers_from(run, runs))]
        self._removed.append(together[::-1])
        if len(self._removed) > MOST:
            for removed in self._removed.pop(0):
                removed.run.rows.forget()
        return together[-1].place

    def put_back(self, run: Run, runs: list[Run]) -> None:
        """Insert what was removed with ``run`` into ``runs`` again."""
        together = next(all_ for all_ in self._removed if run in [one.run for one in all_])
        self._removed.remove(together)
        for removed in together:
            removed.put_back(runs)


def run_beside(run: Run, place: int, runs: Sequence[Run]) -> Run | None:
    """The run to show after ``run`` was removed from the index ``place`` of ``runs``."""
    if run.chat:
        others = [other for other in runs if same_place(other, run)]
        return run.follows or (others[-1] if others else None)
    return runs[min(place, len(runs) - 1)] if runs else None
