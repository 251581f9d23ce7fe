"""One generation as the window sees it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows
from app.attribution.row_store import RowStore
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason
from app.engine.messages import Cancellation, LiveAlphas, RunStats, TokenDecoded


@dataclass(frozen=True, slots=True)
class Token:
    """One token of the text; see :class:`app.decoding.types.TokenStep` for the fields."""

    index: int
    token_id: int
    text: str
    start: int
    alphas: tuple[float, ...]
    sampled_probability: float
    attribution: TokenAttribution


@dataclass(slots=True, eq=False)
class Run:
    """A generation: what was asked, what has come so far, and how it ended.

    Attributes:
        id: The id of its command.
        prompt: What the person typed.
        recipe: The recipe in force, for the names of the pairs.
        labels: What to call each token id, [V].
        finish_reason: None while it goes on or where it failed.
        failed: Whether it ended by an error.
    """

    id: int
    prompt: str
    recipe: Recipe
    alphas: LiveAlphas
    labels: tuple[str, ...] = ()
    cancellation: Cancellation = field(default_factory=Cancellation)
    tokens: list[Token] = field(default_factory=list)
    rows: RowStore = field(default_factory=RowStore)
    prompt_tokens: tuple[int, ...] = ()
    finish_reason: FinishReason | None = None
    stats: RunStats | None = None
    failed: bool = False
    _first_token_at: float = 0.0

    @property
    def active(self) -> bool:
        return self.finish_reason is None and not self.failed

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)

    @property
    def tokens_per_second(self) -> float | None:
        """The engine's figure once the run has ended, and until then what came so far."""
        if self.stats:
            return self.stats.tokens_per_second
        if len(self.tokens) < 2:
            return None
        return (len(self.tokens) - 1) / (time.monotonic() - self._first_token_at)

    @property
    def pair_names(self) -> tuple[str, ...]:
        return tuple(pair.name for pair in self.recipe.pairs)

    def add(self, event: TokenDecoded) -> None:
        """Append a token and keep its rows."""
        step = event.step
        if not self.tokens:
            self._first_token_at = time.monotonic()
        self.rows.add(step)
        self.tokens.append(
            Token(
                step.index,
                step.token_id,
                step.text,
                step.start,
                step.alphas,
                step.sampled_probability,
                event.attribution,
            )
        )

    def label(self, token_id: int) -> str:
        """What to call a token id."""
        return self.labels[token_id] if token_id < len(self.labels) else f"#{token_id}"

    def candidates(self, index: int) -> CandidateRows:
        """The candidates at token ``index``."""
        return self.rows.candidates(index)
