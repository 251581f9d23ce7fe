"""Preparing a stored run for repetition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.attribution.explained_token import ExplainedToken
from app.checkpoints.conversation import RunPrompt
from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.plain_conversation import next_turns
from app.checkpoints.spec import DTYPES, CheckpointSpec, Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import FinishReason, GenerationConfig
from app.history.records import StoredRun


@dataclass(frozen=True, slots=True, eq=False)
class Repeatable:
    """A run to repeat: the same recipe, settings and seed give the same tokens.

    Attributes:
        recipe: The recipe with the first token's alphas and the revisions, dtypes, devices and
            engines that were used.
        config: The settings, with a token limit that ends the run where it ended.
        given: Token ids that are not sampled again: forced tokens and all tokens before the last of
            them, and tokens sampled with other settings.
        alphas: The alphas of each token, [T, P].
        token_ids: The expected token ids, [T].
        role: Index of the role for a run of one role alone, or None.
        drafts: Whether to use speculative decoding.
        past_turn: Whether the run went on past the beginning of another turn of the conversation.
    """

    prompt: RunPrompt
    recipe: Recipe
    config: GenerationConfig
    given: tuple[int, ...]
    alphas: tuple[tuple[float, ...], ...]
    token_ids: tuple[int, ...]
    role: int | None
    drafts: bool
    past_turn: bool


def repeatable(
    run: StoredRun, tokens: Sequence[ExplainedToken], loaded: Sequence[RoleInForce] = ()
) -> Repeatable:
    """Prepare ``run`` for repetition.

    Args:
        run: The run.
        tokens: Its tokens.
        loaded: The roles in memory; if the run was made with them, its recipe is left unchanged.

    The noise depends on the seed and the position only, so sampled tokens before a forced token can
    be given without changing the tokens after it.
    """
    forced = (token.index + 1 for token in tokens if token.forced)
    given = min(max(run.drawn_from, *forced, 0), len(tokens))
    recipe = run.recipe if tuple(loaded) == run.roles else _pinned(run.recipe, run.roles)
    text = "".join(token.text for token in tokens)
    if tokens and run.role is None:
        recipe = recipe.with_alphas(tokens[0].alphas)
    return Repeatable(
        prompt=run.prompt,
        recipe=recipe,
        config=_config(run, len(tokens), text),
        given=tuple(token.token_id for token in tokens[:given]),
        alphas=tuple(token.alphas for token in tokens),
        token_ids=tuple(token.token_id for token in tokens),
        role=run.role,
        drafts=run.drafts,
        past_turn=any(turn in text for turn in next_turns(run.recipe, run.prompt, run.role)),
    )


def _pinned(recipe: Recipe, roles: Sequence[RoleInForce]) -> Recipe:
    """The recipe with ``auto`` and unpinned Hub revisions replaced by the values that were used."""
    for place, (spec, role) in enumerate(zip(recipe.checkpoints(), roles, strict=False)):
        if spec.source.startswith("endpoint:"):
            continue
        pinned = replace(
            spec,
            source=_with_revision(spec.source, role.revision),
            over=_with_revision(spec.over, role.revision),
            engine=role.engine if spec.is_gguf else spec.engine,
        )
        recipe = recipe.with_role(place, _placed(pinned, role))
    return recipe


def _placed(spec: CheckpointSpec, role: RoleInForce) -> CheckpointSpec:
    """``spec`` with the device, the dtype or the layers on the GPU where it left them open."""
    if role.engine == LLAMA_CPP:
        return replace(spec, gpu_layers=role.gpu_layers)
    return replace(
        spec,
        device=role.device if spec.device == "auto" else spec.device,
        dtype=role.dtype if spec.dtype == "auto" and role.dtype in DTYPES else spec.dtype,
    )


def _with_revision(source: str, revision: str) -> str:
    pinned = source.startswith("hub:") and revision and "@" not in source
    return f"{source}@{revision}" if pinned else source


def _config(run: StoredRun, count: int, text: str) -> GenerationConfig:
    """The settings, with the token limit and the stop strings that ended the run as it is."""
    ended_itself = run.summary.finish_reason in (FinishReason.EOS, FinishReason.STOP)
    room = run.config.max_new_tokens if ended_itself else 0
    return replace(
        run.config,
        max_new_tokens=max(count + room, 1),
        stop=tuple(string for string in run.config.stop if string not in text),
    )
