"""What a run asks of the models: its prompt is encoded, and all of it is checked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.attribution.candidates import TOP_ROLE, TOP_TUNED
from app.attribution.shapley import coalitions
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.plain_conversation import next_turns
from app.decoding.alpha_policy import parse_policy
from app.decoding.alpha_schedule import AlphaSchedule
from app.decoding.decode import TextPrefix
from app.decoding.ensemble import Ensemble
from app.decoding.pair_skipping import PairSkipping
from app.decoding.row_reduction import RowReducer, RowReduction
from app.decoding.types import GenerationConfig, check_alphas
from app.engine.commands import Generate
from app.engine.echo import split_echo
from app.engine.events import RunStarted


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRun:
    """A run that can begin.

    Attributes:
        ensemble: The roles that generate.
        prompts: The token ids of the prompt for each of their model contexts.
        config: Sampling settings and limits, with the texts that begin the next turn.
        prefix: The tokens that are not sampled.
        schedule: Scales the alphas at each token; None where they are used as they are.
        started: The event that the run begins with.
    """

    ensemble: Ensemble
    prompts: list[list[int]]
    config: GenerationConfig
    prefix: TextPrefix
    schedule: AlphaSchedule | None
    started: RunStarted

    def skipping(self) -> PairSkipping | None:
        """Skips pairs where the policy of alpha does not need them; None if it always does."""
        skips = self.schedule is not None and self.schedule.policy.may_skip
        return PairSkipping(self.ensemble) if skips else None


def prepare_run(loaded: LoadedRecipe, command: Generate) -> PreparedRun:
    """Encode the prompt of a run and check its settings.

    Raises:
        PromptError: A role cannot read the prompt or the text after it.
        SettingsError: The alphas are invalid.
        Cancelled: The command was cancelled.
    """
    prompts = loaded.encode(command.prompt, command.cancellation.requested)
    lengths = [len(prompt) for prompt in prompts]
    thinking = loaded.thinking(prompts, command.role)
    ensemble = loaded.ensemble
    if command.role is not None:
        place = loaded.context_index(command.role)
        ensemble, prompts = ensemble.only(place), [prompts[place]]
    check_alphas(command.alphas.latest, len(ensemble.pairs))
    given = (*command.forced, *loaded.encode_continuation(command.text))
    loaded.check_following((*command.kept, *given), command.role)
    config, head, echoed = command.config, tuple[int, ...](), tuple[int, ...]()
    if command.echo:
        prompts, echoed = split_echo(prompts)
        given, head = (*echoed, *given), tuple(prompts[0])
        config = replace(config, max_new_tokens=config.max_new_tokens + len(echoed))
    if not command.past_turn:
        turns = next_turns(loaded.recipe, command.prompt, command.role)
        config = replace(config, stop=(*config.stop, *turns))
    started = RunStarted(command.id, tuple(loaded.by_role(lengths)), head, thinking)
    prefix = TextPrefix(command.kept, given, len(echoed))
    schedule = None
    policy = parse_policy(config.alpha_policy)
    if ensemble.pairs and not (policy.is_constant or command.alphas.final):
        schedule = AlphaSchedule(policy, thinking, loaded.detokenizer(prompts[0]))
    return PreparedRun(ensemble, prompts, config, prefix, schedule, started)


def row_reducer(ensemble: Ensemble, *, keep_rows: bool) -> RowReducer:
    """Reduces rows to what the attribution of a token needs."""
    subsets = tuple(tuple(map(bool, row)) for row in coalitions(len(ensemble.pairs)).members)
    reduction = RowReduction(
        len(ensemble.names),
        ensemble.vocabulary_size,
        ensemble.pairs,
        subsets,
        TOP_TUNED,
        TOP_ROLE,
    )
    return RowReducer(reduction, keep_rows=keep_rows)
