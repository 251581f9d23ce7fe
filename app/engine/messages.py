"""What is asked of the engine and what it answers: frozen, and without torch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from threading import Event as Flag
from typing import TYPE_CHECKING

from app.attribution.attribution import TokenAttribution
from app.checkpoints.conversation import Prompt
from app.checkpoints.report import Preflight
from app.checkpoints.spec import Recipe
from app.checkpoints.status import LoadProgress, RoleInForce
from app.decoding.remote import Traffic
from app.decoding.speculation_stats import SpeculationStats
from app.decoding.types import FinishReason, GenerationConfig, OtherChoice, TokenStep
from app.errors import TuneshiftError

if TYPE_CHECKING:
    from app.checkpoints.loading.loader import LoadedRecipe


class Cancellation:
    """The stop button of one command. It bypasses the queue and may be pressed from any thread."""

    def __init__(self) -> None:
        self._flag = Flag()

    def request(self) -> None:
        self._flag.set()

    def requested(self) -> bool:
        return self._flag.is_set()


class LiveAlphas:
    """The weights of one run: one reference, the latest wins, read once for each token."""

    def __init__(self, alphas: tuple[float, ...]) -> None:
        self._alphas = alphas

    def set(self, alphas: tuple[float, ...]) -> None:
        self._alphas = alphas

    def get(self) -> tuple[float, ...]:
        """The weights of the next token: whoever draws it reads them once."""
        return self._alphas

    @property
    def latest(self) -> tuple[float, ...]:
        """The same for whoever only looks."""
        return self._alphas


class ReplayedAlphas(LiveAlphas):
    """The weights that each token of an earlier run had, in order; then those of the last.

    Args:
        alphas: The weights of every token, at least one; [T, P].
    """

    def __init__(self, alphas: Sequence[tuple[float, ...]]) -> None:
        super().__init__(alphas[0])
        self._replayed = alphas
        self._next = 0

    def get(self) -> tuple[float, ...]:
        self._alphas = self._replayed[min(self._next, len(self._replayed) - 1)]
        self._next += 1
        return self._alphas

    def set(self, alphas: tuple[float, ...]) -> None:
        """Not followed: what is repeated has the weights that it had."""


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Load a recipe in place of what is loaded.

    Attributes:
        although_full: Load although the estimate says that it does not fit.
        fresh: Read the files again although these very models are in memory.
        prompt: What the person has typed; the check in the load writes it out for each role.
    """

    id: int
    recipe: Recipe
    cancellation: Cancellation
    although_full: bool = False
    fresh: bool = False
    prompt: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Generate:
    """Generate from the loaded recipe.

    Attributes:
        config: Sampling settings; ``max_new_tokens`` counts what the text begins with.
        kept: Token ids that are out already; the text goes on after them.
        forced: Token ids after these that are given and not drawn.
        text: Text after these that is given; it is encoded as the base would.
        role: The place in ``Recipe.roles`` of a role to generate from alone, or None for the tuned
            distribution.
        speculate: Draft tokens, so that the same text is there sooner.
        echo: Say of the tokens of the prompt, too, what the models made of them: all that its roles
            read alike at its end is given and not read as a prompt, the first token excepted.
            ``max_new_tokens`` does not count these.
    """

    id: int
    prompt: Prompt
    config: GenerationConfig
    alphas: LiveAlphas
    cancellation: Cancellation
    kept: tuple[int, ...] = ()
    forced: tuple[int, ...] = ()
    text: str = ""
    role: int | None = None
    speculate: bool = True
    echo: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AskWhatIf:
    """Say where a finished text would have gone another way under other weights; runs no model.

    Attributes:
        prompt: The prompt of the text.
        config: The settings that it was drawn with.
        alphas: The weights to try, [P].
        token_ids: The text.
        steps: Those of its tokens whose full rows are kept.
    """

    id: int
    prompt: str
    config: GenerationConfig
    alphas: tuple[float, ...]
    token_ids: tuple[int, ...]
    steps: tuple[TokenStep, ...]
    cancellation: Cancellation


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """Say what is known of a recipe, with this prompt, without reading weights."""

    id: int
    recipe: Recipe
    prompt: str
    cancellation: Cancellation


@dataclass(frozen=True, slots=True, eq=False)
class Lend:
    """Lend the loaded models to work of a higher layer, on the engine's thread.

    What the work yields comes out as :class:`LentProgress`; between two items it can be cancelled,
    and is then closed. It may read with the ensemble: what the KV caches hold is known, and the
    next run rereads what it misses.

    Attributes:
        work: Called with the models; asks :attr:`cancellation` itself where items are far apart.
        gives_way: Whether other commands than loads and loans are carried out between two items.
            They move the KV caches of the ensemble, so work that decodes with these across items
            does not give way.
    """

    id: int
    work: Callable[[LoadedRecipe], Generator[object, None, None]]
    cancellation: Cancellation
    gives_way: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Unload:
    """Give the memory of the models back. It is not answered; the next run needs a load."""

    id: int
    cancellation: Cancellation


Command = Load | Unload | Generate | Check | AskWhatIf | Lend


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
        traffic: What was exchanged with the server that the base is behind, if it is.
    """

    tokens: int
    prefill_seconds: float
    tokens_per_second: float | None
    resident_bytes: int
    speculation: SpeculationStats | None = None
    traffic: Traffic | None = None


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
    choices: tuple[OtherChoice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LentProgress:
    """What the work of a :class:`Lend` yielded."""

    id: int
    item: object


@dataclass(frozen=True, slots=True)
class LentFinished:
    """The work of a :class:`Lend` came to its end."""

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
    | LentProgress
    | LentFinished
    | Failed
)
