"""What ``tuneshift generate`` asks of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.engine.controls import LiveAlphas


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A run to make.

    Attributes:
        given: Token ids that the text begins with.
        role: The place of the role that answers alone, or None for the tuned distribution.
        drafts: Whether tokens are drafted.
    """

    prompt: str
    recipe: Recipe
    config: GenerationConfig
    alphas: LiveAlphas
    given: tuple[int, ...] = ()
    role: int | None = None
    drafts: bool = True
