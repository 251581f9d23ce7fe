"""What acts on a command while it runs, from any thread: its cancellation and its alphas."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event as Flag

from app.settings import Settings

DEFAULT_PREFIX_BYTES = Settings().prefix_megabytes * 2**20
"""Memory for keys and values of earlier texts, unless a person sets another bound."""


class Cancellation:
    """A flag that cancels one command; it bypasses the queue and can be set from any thread."""

    def __init__(self) -> None:
        self._flag = Flag()

    def request(self) -> None:
        self._flag.set()

    def requested(self) -> bool:
        return self._flag.is_set()


class LiveAlphas:
    """The alphas of one run while it is decoded: set from any thread, read once for each token."""

    def __init__(self, alphas: tuple[float, ...]) -> None:
        self._alphas = alphas

    @property
    def final(self) -> bool:
        """Whether they are what each token is sampled with, whatever the policy of alpha says."""
        return False

    def set(self, alphas: tuple[float, ...]) -> None:
        self._alphas = alphas

    def get(self) -> tuple[float, ...]:
        """The alphas for the next token; decoding calls this once for each token."""
        return self._alphas

    @property
    def latest(self) -> tuple[float, ...]:
        """The current alphas, for everything but decoding."""
        return self._alphas


class ReplayedAlphas(LiveAlphas):
    """The alphas of each token of an earlier run, in order, and then those of its last token.

    Args:
        alphas: The alphas of every token, [T, P], with T ≥ 1.
    """

    def __init__(self, alphas: Sequence[tuple[float, ...]]) -> None:
        super().__init__(alphas[0])
        self._replayed = alphas
        self._next = 0

    @property
    def final(self) -> bool:
        """They were scaled by the policy of the earlier run."""
        return True

    def get(self) -> tuple[float, ...]:
        self._alphas = self._replayed[min(self._next, len(self._replayed) - 1)]
        self._next += 1
        return self._alphas

    def set(self, alphas: tuple[float, ...]) -> None:
        """Has no effect: a repeated run keeps its alphas."""
