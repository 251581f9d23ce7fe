"""One text as the window sees it: generated, given to be scored, or one role's answer."""

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
    forced: bool = False


@dataclass(slots=True, eq=False)
class Run:
    """A text: what was asked, what has come so far, and how it ended.

    Attributes:
        id: Told apart from the other runs of the window by it.
        prompt: What the person typed.
        recipe: The recipe in force when it began, with its sampling settings.
        alphas: The weights that act on the next token.
        rows: The rows of its tokens, within the bound of all runs.
        labels: What to call each token id, [V].
        role: The place in ``Recipe.roles`` of the role that answers alone, or None when tuned.
        parent: The run that it branched off.
        fork: Index of the first token of its own; the ones before are the parent's.
        name: What the person called it.
        scored: Whether the text was given, to be scored.
        stepping: Whether a person draws it token by token.
        finish_reason: None while it goes on or where it failed.
        failed: Whether it ended by an error.
    """

    id: int
    prompt: str
    recipe: Recipe
    alphas: LiveAlphas
    rows: RowStore = field(default_factory=RowStore)
    labels: tuple[str, ...] = ()
    role: int | None = None
    parent: Run | None = None
    fork: int = 0
    name: str = ""
    scored: bool = False
    stepping: bool = False
    cancellation: Cancellation = field(default_factory=Cancellation)
    tokens: list[Token] = field(default_factory=list)
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
    def token_ids(self) -> tuple[int, ...]:
        return tuple(token.token_id for token in self.tokens)

    @property
    def tokens_per_second(self) -> float | None:
        """The engine's figure once the run has ended, and until then what came so far."""
        if self.stats:
            return self.stats.tokens_per_second
        count = len(self.tokens) - self.fork
        if count < 2:
            return None
        return (count - 1) / (time.monotonic() - self._first_token_at)

    @property
    def pair_names(self) -> tuple[str, ...]:
        """The pairs that act on it: none on the answer of one role."""
        return tuple(pair.name for pair in self.recipe.pairs) if self.role is None else ()

    @property
    def unfinished_end(self) -> int:
        """Index of the first token of an incomplete character at the end, or the length.

        Such a character is shown as U+FFFD, and would be another one if the text went on.
        """
        end = len(self.tokens)
        if not self.tokens or not self.tokens[-1].text.endswith("\ufffd"):
            return end
        end -= 1
        while end > 0 and not self.tokens[end - 1].text:
            end -= 1
        return end

    def add(self, event: TokenDecoded) -> None:
        """Append a token and keep its rows."""
        step = event.step
        if len(self.tokens) == self.fork:
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
                step.forced,
            )
        )

    def begin_with(self, other: Run, count: int) -> None:
        """Take the first ``count`` tokens of another run, with what is kept of their rows."""
        self.tokens = other.tokens[:count]
        self.prompt_tokens = other.prompt_tokens
        self.fork = count
        self.rows.copy(other.rows, count)

    def label(self, token_id: int) -> str:
        """What to call a token id."""
        return self.labels[token_id] if token_id < len(self.labels) else f"#{token_id}"

    def candidates(self, index: int) -> CandidateRows:
        """The candidates at token ``index``."""
        return self.rows.candidates(index)
