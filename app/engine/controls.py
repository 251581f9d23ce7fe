"""What acts on a command while it runs, from any thread: its cancellation and its alphas."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event as Flag


class Cancellation:
    """The stop button of one command. It bypasses the queue and may be pressed from any thread."""

    def __init__(self) -> None:
        self._flag = Flag()

    def request(self) -> None:
        self._flag.set()

    def requested(self) -> bool:
        return self._flag.is_set()


class LiveAlphas:
    """The weights of one run: one reference, the latest wins, read once for each token."""

    def __init__(self, alphas: tuple[float, ...]) -> None:
        self._alphas = alphas

    def set(self, alphas: tuple[float, ...]) -> None:
        self._alphas = alphas

    def get(self) -> tuple[float, ...]:
        """The weights of the next token: whoever draws it reads them once."""
        return self._alphas

    @property
    def latest(self) -> tuple[float, ...]:
        """The same for whoever only looks."""
        return self._alphas


class ReplayedAlphas(LiveAlphas):
    """The weights that each token of an earlier run had, in order; then those of the last.

    Args:
        alphas: The weights of every token, at least one; [T, P].
    """

    def __init__(self, alphas: Sequence[tuple[float, ...]]) -> None:
        super().__init__(alphas[0])
        self._replayed = alphas
        self._next = 0

    def get(self) -> tuple[float, ...]:
        self._alphas = self._replayed[min(self._next, len(self._replayed) - 1)]
        self._next += 1
        return self._alphas

    def set(self, alphas: tuple[float, ...]) -> None:
        """Not followed: what is repeated has the weights that it had."""
