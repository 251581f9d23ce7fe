"""Remote language models, behind an endpoint, and what their requests used. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class UnmatchedToken:
    """A token that an endpoint returned and that has no id in the pair's vocabulary.

    Attributes:
        token: The endpoint's spelling of the token.
        reason: Why it has no id, such as ``absent`` from the vocabulary.
        times: How often it was returned.
    """

    token: str
    reason: str
    times: int


@dataclass(frozen=True, slots=True)
class EndpointUsage:
    """Requests and tokens that a run exchanged with an endpoint.

    Attributes:
        requests: Number of answered requests.
        sent: Prompt tokens, as the endpoint counts them.
        received: Generated tokens, as the endpoint counts them.
        retries: Number of repeated requests.
        retokenized: Number of requests with text that the endpoint tokenized into another number of
            tokens than the pair's tokenizer, so that the answer is about other tokens.
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
    """A :class:`~app.decoding.language_model.LanguageModel` whose forward passes are requests.

    Its rows are log-probabilities of the returned tokens, and −inf for all others.
    """

    def begin(self, tokens: Sequence[int], last: int) -> None:
        """Send the request for ``extend(tokens, last)`` without waiting for its answer."""
        ...

    def begin_run(self, cancelled: Callable[[], bool]) -> None:
        """Begin a run: reset the usage, and stop waiting for answers once ``cancelled`` is true."""
        ...

    def usage(self) -> EndpointUsage:
        """The usage since the run began."""
        ...
