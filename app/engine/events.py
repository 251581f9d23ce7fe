"""The events that the engine emits: immutable, and without torch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.decoding.capture_stats import NO_CAPTURES, CaptureStats
from app.decoding.remote import EndpointUsage
from app.decoding.skip_counts import SkipCounts
from app.decoding.speculation_stats import SpeculationStats
from app.decoding.thinking import UNKNOWN_THINKING, Thinking
from app.decoding.types import FinishReason, TokenStep, WhatIfToken
from app.errors import TuneshiftError

if TYPE_CHECKING:
    from app.checkpoints.text_coder import TextCoder
    from app.checkpoints.vocabulary.text_aligner import TextAligner


@dataclass(frozen=True, slots=True)
class EngineReady:
    """Torch is imported and commands are being read.

    Attributes:
        accelerator_bytes: Memory of all accelerators together, apart from main memory.
    """

    devices: tuple[str, ...]
    torch_version: str
    accelerator_bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class EngineFailed:
    """The engine cannot start, since its libraries cannot be imported; no command will run."""

    error: TuneshiftError
    details: str


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """The result of a check: answers :class:`~app.engine.commands.Check`, and begins a load."""

    id: int
    preflight: Preflight


@dataclass(frozen=True, slots=True)
class Loading:
    """Progress of a load, for one role."""

    id: int
    progress: LoadProgress


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A recipe is in memory.

    Attributes:
        token_labels: A readable label for each token id, [V].
        packed_bytes: Bytes of packed copies of weights, which use only spare memory.
        context_length: The shortest context of the roles in tokens; None without a limit.
        coder: Encodes and decodes texts as the base does; None where there is no tokenizer.
        aligners: What shows texts in tokens of the base and of each pair of another vocabulary.
        at: When the load ended, in seconds since 1970.
    """

    id: int
    recipe: Recipe
    roles: tuple[RoleInForce, ...]
    token_labels: tuple[str, ...]
    packed_bytes: int
    context_length: int | None = None
    coder: TextCoder | None = None
    aligners: tuple[TextAligner, ...] = ()
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The prompt is encoded.

    Attributes:
        prompt_tokens: Length of the prompt in tokens, for each of ``Recipe.roles``.
        head: With ``Generate.echo``, the ids of the base's prompt that are not scored.
        thinking: The marks of thinking to expect in the text.
    """

    id: int
    prompt_tokens: tuple[int, ...]
    head: tuple[int, ...] = ()
    thinking: Thinking = UNKNOWN_THINKING


@dataclass(frozen=True, slots=True, eq=False)
class TokenDecoded:
    """One token of a run with its attribution, and its candidates if the command asks for them."""

    id: int
    step: TokenStep
    attribution: TokenAttribution
    candidates: CandidateRows | None = None


@dataclass(frozen=True, slots=True)
class RunStats:
    """Speed and memory of a run.

    Attributes:
        tokens: Number of tokens.
        prefill_seconds: Wall-clock time until the first token.
        tokens_per_second: Of decoding after the first token; None for a single token.
        resident_bytes: Resident memory of the process at the end.
        speculation: Draft counts, or None for plain decoding.
        endpoint_usage: Requests and tokens exchanged with the base's endpoint, or None.
        captures: Captured steps since the models were loaded.
        cached_tokens: Tokens of the prompt that the base, or the role alone, had read before.
        skipped: What the pairs did not read, where the policy of alpha may skip them; there are no
            drafts then.
    """

    tokens: int
    prefill_seconds: float
    tokens_per_second: float | None
    resident_bytes: int
    speculation: SpeculationStats | None = None
    endpoint_usage: EndpointUsage | None = None
    captures: CaptureStats = NO_CAPTURES
    cached_tokens: int = 0
    skipped: SkipCounts | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ended."""

    id: int
    finish_reason: FinishReason
    stats: RunStats


@dataclass(frozen=True, slots=True)
class WhatIfAnswered:
    """Answers :class:`~app.engine.commands.AskWhatIf`.

    Attributes:
        choices: Tokens that differ from the run's, each conditioned on the run's own text.
    """

    id: int
    choices: tuple[WhatIfToken, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BorrowProgress:
    """An item that the job of a :class:`~app.engine.commands.BorrowModels` yielded."""

    id: int
    item: object


@dataclass(frozen=True, slots=True)
class BorrowFinished:
    """The job of a :class:`~app.engine.commands.BorrowModels` is complete."""

    id: int


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """A command ended without a result.

    Attributes:
        error: The error, or None if the command was cancelled.
        details: A traceback for a bug report, if the program is at fault.
        ran_out: Whether memory ran out; everything but the models has been released.
        loaded: The id of the ``Load`` whose models are in memory: those of an earlier one after a
            load that its checks refused. None if there are none.
    """

    id: int
    error: TuneshiftError | None
    details: str = ""
    ran_out: bool = False
    loaded: int | None = None


Event = (
    EngineReady
    | EngineFailed
    | Checked
    | Loading
    | Loaded
    | RunStarted
    | TokenDecoded
    | RunFinished
    | WhatIfAnswered
    | BorrowProgress
    | BorrowFinished
    | Failed
)


def row_bytes(event: Event) -> int:
    """Bytes of the rows of logits in an event; everything else in events is small."""
    if isinstance(event, TokenDecoded) and event.step.logits is not None:
        return event.step.logits.nbytes
    return 0
