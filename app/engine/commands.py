"""The commands that the engine carries out: immutable, and without torch."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.conversation import Prompt, RunPrompt
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig, TokenStep
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.jobs import Job


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Load a recipe, replacing the loaded one.

    Attributes:
        although_full: Load even if the memory estimate says that it does not fit.
        fresh: Read the weights again even if they are in memory.
        prompt: The prompt in the window, which the check formats for each role.
        proof: Whether the models are compared with plain forward passes.
        kept_rows: Bound of the rows of tokens that will be kept in memory, in bytes.
    """

    id: int
    recipe: Recipe
    cancellation: Cancellation
    although_full: bool = False
    fresh: bool = False
    prompt: RunPrompt = ""
    proof: ProofMode = ProofMode.KEPT
    kept_rows: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Generate:
    """Generate or score a run with the loaded recipe.

    Attributes:
        config: The sampling settings; ``max_new_tokens`` includes the given tokens.
        kept: Token ids that were output before; the run continues after them.
        forced: Token ids after these that are given instead of sampled.
        text: A given text after these; it is encoded with the base's tokenizer.
        role: Index in ``Recipe.roles`` of a role to generate from alone, or None for the tuned
            distribution.
        speculate: Decode speculatively, with the same text.
        echo: Score the tokens of the prompt too: the ids at the end of the prompt that are equal
            for all roles are given tokens instead of prefill, the first token excepted.
            ``max_new_tokens`` does not include them.
        past_turn: Go on past the text with which a role without a chat template would begin the
            next turn of the conversation, instead of stopping there.
        fresh: Read the prompt anew even if the models have read it before, so that the logits of
            a repeated run are rounded as they were.
        keep_rows: Whether the steps of the tokens have their raw rows, as inspection needs them.
        candidates: Whether the events of the tokens have their candidates, which are then found on
            the engine's thread.
        load: The id of the :class:`Load` whose models the run needs; None for any.
        beside: Whether it may be decoded side by side with other runs that may be.
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
    past_turn: bool = False
    fresh: bool = False
    keep_rows: bool = True
    candidates: bool = False
    load: int | None = None
    beside: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AskWhatIf:
    """Find the tokens that other alphas would have chosen in a finished run; runs no model.

    Attributes:
        prompt: The run's prompt.
        config: The run's sampling settings.
        alphas: The alphas to try, [P].
        token_ids: Token ids of the run.
        steps: The run's steps whose full rows are kept.
        load: As in :class:`Generate`.
    """

    id: int
    prompt: Prompt
    config: GenerationConfig
    alphas: tuple[float, ...]
    token_ids: tuple[int, ...]
    steps: tuple[TokenStep, ...]
    cancellation: Cancellation
    load: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """Check a recipe with a prompt, without reading weights.

    Attributes:
        kept_rows: Bound of the rows of tokens that would be kept in memory, in bytes.
    """

    id: int
    recipe: Recipe
    prompt: RunPrompt
    cancellation: Cancellation
    kept_rows: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class BorrowModels:
    """Run a job of a higher layer on the engine's thread with the loaded models.

    Each item of the job is emitted as :class:`~app.engine.events.BorrowProgress`. The job can be
    cancelled between two items, and its generator is then closed. It may use the ensemble: each
    model context records the token ids in its KV cache, so that the next run reads what is missing.

    Attributes:
        job: The job; between distant items it has to check :attr:`cancellation` itself.
        interleaved: Whether other commands, except loads and jobs, may run between two items. They
            change the ensemble's KV caches, so a job that keeps using these must not set it.
        load: As in :class:`Generate`.
    """

    id: int
    job: Job
    cancellation: Cancellation
    interleaved: bool = False
    load: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Unload:
    """Release the models. No event answers this command; the next run needs a load."""

    id: int
    cancellation: Cancellation


Command = Load | Unload | Generate | Check | AskWhatIf | BorrowModels


def describe(command: Command) -> str:
    """What the engine does for ``command``, in a word or two for the log."""
    match command:
        case Load():
            return "load"
        case Unload():
            return "unload"
        case Check():
            return "check"
        case AskWhatIf():
            return "what-if"
        case BorrowModels():
            return command.job.name
        case Generate():
            return "generate"
