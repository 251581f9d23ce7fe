"""What is served, and what a server tells of itself. Plain values: no library of the server."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.spec import Recipe
from app.errors import TuneshiftError


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What the engine has in memory.

    Attributes:
        recipe: With the weights and the settings that a request has by default.
        token_labels: What to call each id, [V].
    """

    recipe: Recipe
    token_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What has been asked and answered so far.

    Attributes:
        requests: Requests for texts.
        texts: Texts that were begun.
        tokens: Tokens of those that have ended.
        waiting: Texts that wait for their turn.
        client: For whom a text is being written, or nothing.
    """

    requests: int = 0
    texts: int = 0
    tokens: int = 0
    waiting: int = 0
    client: str = ""


@dataclass(frozen=True, slots=True)
class Listening:
    """Requests are answered at ``url``."""

    url: str


@dataclass(frozen=True, slots=True, eq=False)
class Stopped:
    """Nothing is answered any more; ``error`` says why, unless it was asked to stop."""

    error: TuneshiftError | None = None


ServerEvent = Listening | Figures | Stopped
