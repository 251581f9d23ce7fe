"""A language model that computes elsewhere, and what that took. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class UnmatchedToken:
    """Tokens that a server returned and that cannot be generated.

    Attributes:
        token: What the server calls it.
        reason: Why, such as ``absent`` from the vocabulary.
        times: How often it was returned.
    """

    token: str
    reason: str
    times: int


@dataclass(frozen=True, slots=True)
class EndpointUsage:
    """What was exchanged with a server.

    Attributes:
        requests: Requests that were answered.
        sent: Tokens that the server read, as it counts them.
        received: Tokens that the server generated, as it counts them.
        retries: Requests that were made again.
        retokenized: Requests that sent text, and in which the server found another number of tokens
            than the pair's tokenizer, so that the answer is about other tokens.
        unmatched: Returned tokens that are not in the vocabulary, the most frequent first.
    """

    requests: int = 0
    sent: int = 0
    received: int = 0
    retries: int = 0
    retokenized: int = 0
    unmatched: tuple[UnmatchedToken, ...] = ()


@runtime_checkable
class RemoteModel(Protocol):
    """What a :class:`~app.decoding.language_model.LanguageModel` elsewhere offers besides.

    Its rows are log-probabilities of the tokens that are known, and −inf for all others.
    """

    def begin(self, tokens: Sequence[int], last: int) -> None:
        """Ask for what ``extend(tokens, last)`` will return, and do not wait for it."""
        ...

    def begin_run(self, cancelled: Callable[[], bool]) -> None:
        """A text begins: count from nothing, and give up waiting when ``cancelled`` says so."""
        ...

    def usage(self) -> EndpointUsage:
        """What was exchanged since the text began."""
        ...
