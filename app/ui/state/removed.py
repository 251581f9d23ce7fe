"""A text that was taken out of the list, with what is needed to bring it back."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.state.run import Run


@dataclass(frozen=True, slots=True)
class Removed:
    """A text that was removed.

    Attributes:
        place: Where it was in the list.
        branches: The texts that hung on it, each with the token that it branched off at.
    """

    run: Run
    place: int
    branches: tuple[tuple[Run, int], ...]

    @classmethod
    def take_out(cls, run: Run, texts: list[Run]) -> Removed:
        """Remove ``run`` from ``texts``; its branches hang on what it hung on."""
        branches = tuple((other, other.fork) for other in texts if other.parent is run)
        for branch, fork in branches:
            branch.parent, branch.fork = run.parent, min(fork, run.fork)
        place = texts.index(run)
        del texts[place]
        return cls(run, place, branches)

    def put_back(self, texts: list[Run]) -> None:
        """Insert the text where it was, with its branches as far as they are still there."""
        texts.insert(min(self.place, len(texts)), self.run)
        if self.run.parent not in texts:
            self.run.parent = None
        for branch, fork in self.branches:
            branch.parent, branch.fork = self.run, fork
