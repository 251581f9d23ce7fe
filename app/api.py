"""The Python API: ``load`` models, ``generate`` with them, ``score`` given texts.

It runs the engine of the window, with the same numbers (``docs/python-api.md``). Only ``load``
imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from app.atomic_files import write_file
from app.attribution.candidates import CandidateTable
from app.attribution.explained_token import ExplainedToken
from app.checkpoints.conversation import Conversation, RunPrompt, conversation_of
from app.checkpoints.proof.proof_report import ProofMode
from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE, find_recipe
from app.checkpoints.recipes.recipe_of_models import recipe_of_roles
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason, check_alphas
from app.engine.commands import Generate, Load, Unload
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import RunStats
from app.engine.received_events import ReceivedEvents, TokenReceiver
from app.errors import PromptError, RecipeError, SettingsError
from app.history.export.csv_file import write_tokens_csv
from app.history.export.parquet_file import PARQUET, write_parquet
from app.history.export.token_table import Cell, TokenTable
from app.history.records import new_run_id

if TYPE_CHECKING:
    from app.engine.engine import Engine

ApiPrompt = str | Conversation | Sequence[Mapping[str, Any]]
"""A text, or a conversation as the ``messages`` of the OpenAI API."""
_LOAD, _RUN = 1, 2


class Sampling(TypedDict, total=False):
    """The sampling settings that ``generate`` takes: the fields of ``GenerationConfig``."""

    max_new_tokens: int
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repetition_penalty: float
    frequency_penalty: float
    presence_penalty: float
    logit_bias: tuple[tuple[int, float], ...]
    seed: int
    stop: tuple[str, ...]
    structure: str
    structure_text: str
    alpha_policy: str


@dataclass(frozen=True, slots=True, eq=False)
class ModelRun:
    """A generated or scored text, with every token explained.

    Attributes:
        prompt: The prompt.
        tokens: The tokens, with probabilities, ranks and contributions before processors.
        finish_reason: Why the run ended.
        pair_names: The names of the expert pairs; empty for a run of one role alone.
        prompt_tokens: The length of the prompt in tokens for each role.
        stats: Speed and memory of the run.
        candidates: The most probable tokens at each position, if they were asked for.
        skipped: Indices of the tokens that no pair has read, since the policy of alpha needed none.
        run_id: A random id, which the history does not have, for the rows of a table of tokens.
    """

    prompt: RunPrompt
    tokens: tuple[ExplainedToken, ...]
    finish_reason: FinishReason
    pair_names: tuple[str, ...]
    prompt_tokens: tuple[int, ...]
    stats: RunStats
    candidates: tuple[CandidateTable, ...] = ()
    skipped: frozenset[int] = frozenset()
    run_id: str = field(default_factory=new_run_id)

    @property
    def text(self) -> str:
        """The text of the tokens."""
        return "".join(token.text for token in self.tokens)

    @property
    def bookmarks(self) -> frozenset[int]:
        """Indices of the tokens with a bookmark: none, since only the window sets bookmarks."""
        return frozenset()

    def columns(self) -> dict[str, list[Cell]]:
        """The table of tokens by column, as ``pandas.DataFrame`` takes it."""
        return token_columns([self])

    def save(self, path: str | Path) -> None:
        """Write the table of tokens to a file; see :func:`save_tokens`."""
        save_tokens([self], path)


def token_columns(runs: Sequence[ModelRun]) -> dict[str, list[Cell]]:
    """The tokens of several runs as one table, by column."""
    table = TokenTable(runs)
    rows = list(table.rows())
    return {name: [row[place] for row in rows] for place, name in enumerate(table.header())}


def save_tokens(runs: Sequence[ModelRun], path: str | Path) -> None:
    """Write the tokens of several runs to one file: Parquet if it ends in ``.parquet``, else CSV.

    Raises:
        HistoryError: Parquet needs a package that is not installed.
        OSError: The file cannot be written.
    """
    path = Path(path).expanduser()
    parquet = path.suffix == f".{PARQUET}"
    content = write_parquet(runs) if parquet else write_tokens_csv(runs).encode("utf-8")
    write_file(path, content)


class Models:
    """The models of a recipe in memory, as :func:`load` returns them.

    It is a context manager whose end releases the models. One thread at a time may use it.

    Args:
        recipe: The recipe to load.
        proof: Whether the models are compared with plain forward passes.

    Attributes:
        roles: What was loaded for each role: source, dtype, device, engine and proof.
        labels: A readable label for each token id.

    Raises:
        TuneshiftError: The recipe cannot be loaded.
    """

    def __init__(self, recipe: Recipe, proof: ProofMode) -> None:
        from app.engine.engine import Engine  # imports torch: seconds

        self.recipe = recipe
        self._events = ReceivedEvents()
        self._engine: Engine | None = Engine(lambda event: self._events.receive(event))
        self._engine.handle(Load(_LOAD, recipe, Cancellation(), proof=proof))
        self._events.check()
        assert self._events.loaded is not None
        self.roles = self._events.loaded.roles
        self.labels = self._events.loaded.token_labels

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the models; nothing can be generated afterwards."""
        if self._engine is not None:
            self._engine.handle(Unload(_LOAD, Cancellation()))
            self._engine = None

    def run(self, command: Generate, on_token: TokenReceiver | None = None) -> ModelRun:
        """Carry out the command that :func:`generate` or :func:`score` makes.

        Raises:
            TuneshiftError: The run failed, or the models are released.
        """
        if self._engine is None:
            raise RecipeError("The models are released", next_step="Load the recipe again.")
        self._events = events = ReceivedEvents(on_token, given=command.echo)
        self._engine.handle(command)
        events.check()
        assert events.finished is not None
        return ModelRun(
            command.prompt if isinstance(command.prompt, str | Conversation) else "",
            tuple(events.tokens),
            events.finished.finish_reason,
            tuple(pair.name for pair in self.recipe.pairs) if command.role is None else (),
            events.prompt_tokens,
            events.finished.stats,
            tuple(events.tables),
            frozenset(events.skipped),
        )


def load(
    recipe: str | Path | Recipe | None = None,
    *,
    base: str = "",
    experts: Sequence[str] = (),
    antiexperts: Sequence[str] = (),
    alphas: Sequence[float] | None = None,
    device: str | None = None,
    dtype: str | None = None,
    prove: bool = True,
) -> Models:
    """Load the models of a recipe.

    Args:
        recipe: The name of a recipe that ships, a recipe file, or a recipe; by default the demo.
        base: A model to tune, instead of a recipe: a folder, a GGUF file, ``hub:OWNER/NAME``.
        experts: With ``base``, the expert of each pair.
        antiexperts: With ``base``, the anti-expert of each pair.
        alphas: The alpha of each pair; by default those of the recipe.
        device: The device of every role; by default that of the recipe.
        dtype: The dtype of every role; by default that of the recipe.
        prove: Whether the models are compared with plain forward passes.

    Raises:
        TuneshiftError: The recipe is invalid, or its models cannot be loaded.
    """
    chosen = _recipe(recipe, base, experts, antiexperts)
    if alphas is not None:
        check_alphas(tuple(alphas), len(chosen.pairs))
        chosen = chosen.with_alphas(tuple(alphas))
    named = {"device": device, "dtype": dtype}
    placement: dict[str, Any] = {name: value for name, value in named.items() if value}
    for place, spec in enumerate(chosen.checkpoints()):
        chosen = chosen.with_role(place, replace(spec, **placement))
    return Models(chosen, ProofMode.KEPT if prove else ProofMode.OFF)


def generate(
    models: Models,
    prompt: ApiPrompt,
    *,
    alphas: Sequence[float] | None = None,
    role: int | None = None,
    candidates: bool = False,
    on_token: TokenReceiver | None = None,
    **sampling: Unpack[Sampling],
) -> ModelRun:
    """Generate a text.

    Args:
        models: The models.
        prompt: A text, or a conversation whose last message is answered.
        alphas: The alpha of each pair; by default those of the recipe. Not with ``role``.
        role: A role that generates alone: 0 is the base, 1 the first expert, 2 its anti-expert and
            so on. None for the tuned distribution.
        candidates: Whether the run has the most probable tokens at each position.
        on_token: Called with each token as soon as it is known.
        sampling: Sampling settings that replace those of the recipe, such as ``temperature``.

    Raises:
        TuneshiftError: The prompt or a setting is invalid, or the run failed.
    """
    command = Generate(
        _RUN,
        _prompt(prompt),
        replace(models.recipe.sampling, **sampling),
        _alphas(models, alphas, role),
        Cancellation(),
        role=role,
        keep_rows=False,
        candidates=candidates,
    )
    return models.run(command, on_token)


def score(
    models: Models,
    prompt: ApiPrompt,
    text: str | None = None,
    *,
    alphas: Sequence[float] | None = None,
    role: int | None = None,
    candidates: bool = False,
) -> ModelRun:
    """Compute the probabilities of the tokens of a given text, as if it had been generated.

    Without a text, those of the prompt, all but the first; if no role is given, those with which
    the prompts of all roles end alike.

    Args:
        models: The models.
        prompt: A text, or a conversation whose last message the text answers.
        text: The text to score; None for the prompt itself.
        alphas: As in :func:`generate`; so are ``role`` and ``candidates``.

    Raises:
        TuneshiftError: The text is empty, the prompt is invalid, or the run failed.
    """
    if text == "":
        raise PromptError("There is no text to score", next_step="Give some text.")
    command = Generate(
        _RUN,
        _prompt(prompt),
        replace(models.recipe.sampling, max_new_tokens=1, stop=()),  # the text alone
        _alphas(models, alphas, role),
        Cancellation(),
        text=text or "",
        role=role,
        echo=text is None,
        past_turn=True,
        keep_rows=False,
        candidates=candidates,
    )
    return models.run(command)


def _recipe(
    recipe: str | Path | Recipe | None,
    base: str,
    experts: Sequence[str],
    antiexperts: Sequence[str],
) -> Recipe:
    if base and recipe is not None:
        raise RecipeError(
            "A recipe and a base cannot be loaded together",
            evidence=f"the base is “{base}”",
            next_step="Give one of them.",
        )
    if base:
        return recipe_of_roles(base, experts, antiexperts)
    if experts or antiexperts:
        raise RecipeError("Experts and anti-experts need a base", next_step="Name the base.")
    if isinstance(recipe, Recipe):
        return recipe
    return find_recipe(DEFAULT_RECIPE if recipe is None else str(recipe))


def _prompt(prompt: ApiPrompt) -> RunPrompt:
    if isinstance(prompt, str | Conversation):
        return prompt
    return conversation_of(list(prompt))


def _alphas(models: Models, alphas: Sequence[float] | None, role: int | None) -> LiveAlphas:
    """The alphas of a run; none for a role that generates alone.

    Raises:
        SettingsError: There is no such role, or a role that generates alone is given alphas.
    """
    if role is None:
        return LiveAlphas(models.recipe.alphas if alphas is None else tuple(alphas))
    names = [name for name, _ in models.recipe.roles()]
    if not 0 <= role < len(names):
        raise SettingsError(
            f"There is no role {role}",
            evidence=f"the roles are 0 to {len(names) - 1}: {', '.join(names)}",
        )
    if alphas is not None:
        raise SettingsError(
            f"The {names[role]} alone has no alphas",
            next_step="Leave out the alphas, or the role for the tuned distribution.",
        )
    return LiveAlphas(())
