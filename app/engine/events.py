"""The events that answer the engine's commands: frozen, and without torch."""

from __future__ import annotations

from dataclasses import dataclass

from app.attribution.attribution import TokenAttribution
from app.checkpoints.preflight_report import Preflight
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.decoding.remote import EndpointUsage
from app.decoding.speculation_stats import SpeculationStats
from app.decoding.types import FinishReason, TokenStep, WhatIfToken
from app.errors import TuneshiftError


@dataclass(frozen=True, slots=True)
class EngineReady:
    """Torch is imported and commands are being read."""

    devices: tuple[str, ...]
    torch_version: str


@dataclass(frozen=True, slots=True, eq=False)
class EngineFailed:
    """The engine cannot start: its libraries cannot be imported. No command will be read."""

    error: TuneshiftError
    details: str


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A recipe's files are there; answers :class:`Check`, and comes early in every load."""

    id: int
    preflight: Preflight


@dataclass(frozen=True, slots=True)
class Loading:
    """One role got further."""

    id: int
    progress: LoadProgress


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A recipe is in memory.

    Attributes:
        token_labels: What to call each id, [V].
        resident_bytes: Memory of the process now.
    """

    id: int
    recipe: Recipe
    roles: tuple[RoleInForce, ...]
    token_labels: tuple[str, ...]
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The prompt is encoded.

    Attributes:
        prompt_tokens: Its length in each of ``Recipe.roles``.
        head: Where it is echoed, the ids before those of which something is said, as the base has
            them.
    """

    id: int
    prompt_tokens: tuple[int, ...]
    head: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TokenDecoded:
    """One token of the text, with what the pairs did to it."""

    id: int
    step: TokenStep
    attribution: TokenAttribution


@dataclass(frozen=True, slots=True)
class RunStats:
    """Seconds are wall clock; the rate is of decoding alone, without loading and prefill.

    Attributes:
        speculation: What drafts brought, or None where none were asked for.
        endpoint_usage: What was exchanged with the server that the base is behind, if it is.
    """

    tokens: int
    prefill_seconds: float
    tokens_per_second: float | None
    resident_bytes: int
    speculation: SpeculationStats | None = None
    endpoint_usage: EndpointUsage | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    id: int
    finish_reason: FinishReason
    stats: RunStats


@dataclass(frozen=True, slots=True)
class WhatIfAnswered:
    """Answers :class:`AskWhatIf`.

    Attributes:
        choices: The other choices, each given the text before it as it is.
    """

    id: int
    choices: tuple[WhatIfToken, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BorrowProgress:
    """What the work of a :class:`BorrowModels` yielded."""

    id: int
    item: object


@dataclass(frozen=True, slots=True)
class BorrowFinished:
    """The work of a :class:`BorrowModels` came to its end."""

    id: int


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """A command ended without its result; ``error`` is None where it was cancelled.

    Attributes:
        details: A traceback where the program itself is at fault, for a bug report.
        ran_out: Whether memory ran out; what the command took beside the models is given back.
    """

    id: int
    error: TuneshiftError | None
    details: str = ""
    ran_out: bool = False


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
