"""What the history holds of a run: as it is written, and as it is read."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from app.checkpoints.spec import Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import GenerationConfig

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # without what is easily misread
_ID_LENGTH = 8
_TITLE_LENGTH = 60


class RunKind(StrEnum):
    """How the tokens of a run came about."""

    GENERATED = "generated"
    SCORED = "scored"  # a given text
    ROLE = "role"  # drawn from one role alone


def new_run_id() -> str:
    """An id that a person can type; any beginning of it that is like no other will do."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))


@dataclass(frozen=True, slots=True, eq=False)
class NewRun:
    """A run that begins, before any model has read the prompt.

    Attributes:
        role: Of kind ``role``, its place in ``Recipe.roles``.
        parent: The run that this one is a branch of; empty where it is none.
        fork_index: How many tokens of the parent it begins with; they are stored there.
        drawn_from: Index of the first token that ``config`` holds for.
        drafts: Whether tokens were drafted.
        length: How many tokens it has already, where it goes on; what was kept after them is not
            its text any more.
        created: When it began.
    """

    id: str
    prompt: str
    recipe: Recipe
    config: GenerationConfig
    kind: RunKind = RunKind.GENERATED
    role: int | None = None
    parent: str = ""
    fork_index: int = 0
    drawn_from: int = 0
    drafts: bool = True
    length: int = 0
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """What is known once the models have been loaded and the prompt has been encoded.

    Attributes:
        prompt_tokens: Length of the prompt in each of ``Recipe.roles``.
        labels: What to call each token id, [V].
    """

    roles: tuple[RoleInForce, ...]
    prompt_tokens: tuple[int, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What a run cost. Seconds are wall clock; the rate is of decoding alone."""

    prefill_seconds: float
    tokens_per_second: float | None
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes:
        finish_reason: Of :class:`~app.decoding.types.FinishReason`; empty where it failed.
        error: What it failed of, in a sentence; empty where it did not, or was given up unbegun.
    """

    finish_reason: str = ""
    error: str = ""
    figures: RunFigures | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a list.

    Attributes:
        title: What the person called it; empty where nothing.
        opening: The beginning of the text.
        tokens: How many the text has.
        ended: Whether its end was written: it is not while the run is on, and where it was killed.
        deleted: Since when it is in the bin.
        role: Place in the recipe of the role that it was drawn from alone; None otherwise.
        role_pair: The pair of that role; empty for the base.
    """

    id: str
    kind: RunKind
    created: datetime
    title: str
    starred: bool
    tags: tuple[str, ...]
    prompt: str
    opening: str
    recipe_name: str
    parent: str
    fork_index: int
    tokens: int
    ended: bool
    finish_reason: str
    error: str
    deleted: datetime | None
    role: int | None = None
    role_pair: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it came to its end without a token."""
        return self.ended and not self.tokens

    @property
    def shown_title(self) -> str:
        """What to call it: its title, or the first words of its prompt."""
        return self.title or first_words(self.prompt) or first_words(self.opening) or self.id


@dataclass(frozen=True, slots=True, eq=False)
class StoredRun:
    """Everything that is known of a run but its tokens.

    Attributes:
        recipe: With the alphas that were in force at its beginning.
        recipe_text: The same as TOML.
        drawn_from: Index of the first token that ``config`` holds for.
        drafts: Whether tokens were drafted.
        roles: What was loaded, with revisions and fingerprints; none where it never came to it.
        versions: Of the program, its libraries and the system.
        figures: None where it did not come to its end.
        labels: What to call each token id, [V]; none where it never came to it.
    """

    summary: RunSummary
    role: int | None
    recipe: Recipe
    recipe_text: str
    config: GenerationConfig
    drawn_from: int
    drafts: bool
    roles: tuple[RoleInForce, ...]
    versions: dict[str, str]
    prompt_tokens: tuple[int, ...]
    figures: RunFigures | None
    labels: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.summary.id

    @property
    def prompt(self) -> str:
        return self.summary.prompt

    @property
    def pair_names(self) -> tuple[str, ...]:
        """The pairs that acted on it: none on the answer of one role."""
        return tuple(pair.name for pair in self.recipe.pairs) if self.role is None else ()

    def label(self, token_id: int) -> str:
        """What to call a token id."""
        known = 0 <= token_id < len(self.labels)
        return self.labels[token_id] if known else f"#{token_id}"


def first_words(text: str, most: int = _TITLE_LENGTH) -> str:
    """The beginning of a text in one line, cut between words where it can be.

    Args:
        most: How many characters it may have, without the mark that something is left out.
    """
    line = " ".join(text[: 4 * most].split())
    if len(line) <= most:
        return line
    kept = line[:most]
    head, _, _ = kept.rpartition(" ")
    return f"{head if len(head) > most // 2 else kept} …"
