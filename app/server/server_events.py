"""The served model and the events of a server. Imports no server libraries."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.spec import Recipe
from app.engine.events import Loaded
from app.errors import TuneshiftError


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """The loaded models, as the server needs them.

    Attributes:
        recipe: The recipe, with the alphas and sampling settings that requests have by default.
        loaded: The event of the load.
    """

    recipe: Recipe
    loaded: Loaded

    @property
    def token_labels(self) -> tuple[str, ...]:
        """The label of each token id, [V]."""
        return self.loaded.token_labels


@dataclass(frozen=True, slots=True)
class ServerStats:
    """Counts since the server was started.

    Attributes:
        requests: Completion requests.
        texts: Generations that were started.
        tokens: Generated tokens.
        waiting: Jobs in the queue.
        running: Generations that are being computed.
        client: The client of the newest of them; empty if there is none.
    """

    requests: int = 0
    texts: int = 0
    tokens: int = 0
    waiting: int = 0
    running: int = 0
    client: str = ""


@dataclass(frozen=True, slots=True)
class Listening:
    """The server accepts requests at ``url``."""

    url: str


@dataclass(frozen=True, slots=True, eq=False)
class Stopped:
    """The server has stopped; ``error`` is None if it was asked to stop."""

    error: TuneshiftError | None = None


ServerEvent = Listening | ServerStats | Stopped
