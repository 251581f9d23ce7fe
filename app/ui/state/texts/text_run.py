"""One text as the window sees it: generated, given to be scored, or one role's answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.attribution.row_store import RowStore
from app.attribution.series import AttributionSeries
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason, GenerationConfig
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import RunStats, TokenDecoded


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
        drawn_from: Index of the first token that was drawn with the settings of ``recipe``.
        group: The same number for the answers of every role to one prompt; 0 for other texts.
        name: What the person called it.
        scored: Whether the text was given, to be scored.
        drafts: Whether its last tokens were drafted where that is sooner.
        stepping: Whether a person draws it token by token.
        unsettled: Tokens at the end of what it begins with that are read once more, since their
            text depends on what follows. They are as they were drawn once they have come.
        stop_unread: Whether the last of ``unsettled`` has a stop string in it. It stays so where
            the text was stopped before that token came again.
        unread_text: Text that is to follow and has not come: what a person typed for a branch, or
            gave to be scored, where the text was stopped before all of it was read.
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
    drawn_from: int = 0
    group: int = 0
    name: str = ""
    scored: bool = False
    drafts: bool = True
    stepping: bool = False
    cancellation: Cancellation = field(default_factory=Cancellation)
    tokens: list[ExplainedToken] = field(default_factory=list)
    unsettled: list[ExplainedToken] = field(default_factory=list)
    stop_unread: bool = False
    unread_text: str = ""
    prompt_tokens: tuple[int, ...] = ()
    finish_reason: FinishReason | None = None
    stats: RunStats | None = None
    failed: bool = False
    _counted_from: int = 0
    _given_from: int = 0
    _first_token_at: float = 0.0
    _series: AttributionSeries | None = None

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
        count = len(self.tokens) - self._counted_from
        elapsed = time.monotonic() - self._first_token_at
        return (count - 1) / elapsed if count > 1 and elapsed > 0 else None

    @property
    def pair_names(self) -> tuple[str, ...]:
        """The pairs that act on it: none on the answer of one role."""
        return tuple(pair.name for pair in self.recipe.pairs) if self.role is None else ()

    @property
    def settled_end(self) -> int:
        """Index of the first token at the end whose text would be another if the text went on.

        An incomplete character is shown as U+FFFD, and the token with a stop string has only the
        text before it. Where there is no such token this is the length.
        """
        end = len(self.tokens)
        if not self.tokens:
            return end
        if self.at_stop_string:
            return end - 1
        if not self.tokens[-1].text.endswith("\ufffd"):
            return end
        end -= 1
        while end > 0 and not self.tokens[end - 1].text:
            end -= 1
        return end

    @property
    def at_stop_string(self) -> bool:
        """Whether it ended at a stop string, after which it goes on without looking for them."""
        return self.finish_reason is FinishReason.STOP or self.stop_unread

    def draws_as(self, sampling: GenerationConfig) -> bool:
        """Whether more tokens drawn with ``sampling`` would be drawn as those that are there."""
        mine = self.recipe.sampling  # where a text ends does not change how it is drawn
        alike = replace(sampling, max_new_tokens=mine.max_new_tokens, stop=mine.stop) == mine
        return alike or all(token.forced for token in self.tokens)

    def common_length(self, other: Run) -> int:
        """How many tokens the two texts share from the beginning, if the prompts are the same."""
        if self.prompt != other.prompt:
            return 0
        shortest = min(len(self.tokens), len(other.tokens))
        pairs = zip(self.tokens, other.tokens, strict=False)
        differs = (
            index
            for index, (mine, theirs) in enumerate(pairs)
            # An id alone is not enough where the models are others.
            if (mine.token_id, mine.text) != (theirs.token_id, theirs.text)
        )
        return next(differs, shortest)

    # Its life: it begins, gets tokens, ends, and may go on

    def begin_with(self, other: Run, count: int) -> None:
        """Take the first ``count`` tokens of another run, with what is kept of their rows."""
        settled = min(count, other.settled_end)
        self.tokens = other.tokens[:settled]
        self.unsettled = other.tokens[settled:count]
        self.stop_unread = bool(self.unsettled) and other.at_stop_string
        self.prompt_tokens = other.prompt_tokens
        self.fork = count
        self.drawn_from = other.drawn_from if other.draws_as(self.recipe.sampling) else count
        self.rows.copy(other.rows, count)

    def start(self, alphas: tuple[float, ...]) -> None:
        """It is asked of the models: from the prompt, or to go on from the tokens it has."""
        self.alphas = LiveAlphas(alphas if self.role is None else ())
        self.cancellation = Cancellation()
        self.finish_reason, self.failed, self.stats = None, False, None
        self._counted_from = len(self.tokens)
        self._given_from = len(self.tokens) + len(self.unsettled)

    def add(self, event: TokenDecoded) -> TokenDecoded:
        """Append a token and keep its rows; returns the event as it counts.

        A token that was only read once more is as it was when it was drawn.
        """
        if len(self.tokens) == self._counted_from:
            self._first_token_at = time.monotonic()
        if self.unsettled:
            event = _as_drawn(event, self.unsettled.pop(0))
            self.stop_unread = self.stop_unread and bool(self.unsettled)
        step = event.step
        self.rows.add(step)
        self.tokens.append(ExplainedToken.of(step, event.attribution))
        return event

    def end(self, reason: FinishReason | None) -> None:
        """It ended, or failed where there is no reason; what it began with is there in any case."""
        come = sum(len(token.text) for token in self.tokens[self._given_from :])
        self.unread_text = self.unread_text[come:]
        self.tokens += self.unsettled
        self.unsettled = []
        self.finish_reason = reason
        self.failed = reason is None

    # What is known of its tokens

    @property
    def series(self) -> AttributionSeries:
        """The attributions of the tokens that have come, as columns; made once for all views."""
        if self._series is None:
            self._series = AttributionSeries(len(self.pair_names))
        new = self.tokens[self._series.count :]
        self._series.extend([token.attribution for token in new])
        return self._series.so_far()

    def label(self, token_id: int) -> str:
        """What to call a token id."""
        known = 0 <= token_id < len(self.labels)
        return self.labels[token_id] if known else f"#{token_id}"

    def candidates(self, index: int) -> CandidateRows:
        """The candidates at token ``index``."""
        return self.rows.candidates(index)


def _as_drawn(event: TokenDecoded, drawn: ExplainedToken) -> TokenDecoded:
    """A token that was read once more: its text is new, and how it was drawn is not."""
    step = replace(
        event.step,
        alphas=drawn.alphas,
        sampled_probability=drawn.sampled_probability,
        forced=drawn.forced,
    )
    return TokenDecoded(event.id, step, drawn.attribution)
