"""What is needed to run a stored run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.attribution.explained_token import ExplainedToken
from app.checkpoints.spec import DTYPES, Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import FinishReason, GenerationConfig
from app.history.records import StoredRun


@dataclass(frozen=True, slots=True, eq=False)
class Repeatable:
    """A run to be repeated: the same recipe, settings and seed give the same tokens.

    Attributes:
        recipe: With the alphas of the first token, and the revisions, dtypes and devices in force.
        config: With what bounds the text where it ended.
        given: Token ids that the text begins with: those that were given then, and what was drawn
            before the last of them or with other settings.
        alphas: The weights of every token, in order; [T, P].
        token_ids: What is to come out, [T].
        role: The place of the role that is to answer alone, or None.
        drafts: Whether tokens are to be drafted.
    """

    prompt: str
    recipe: Recipe
    config: GenerationConfig
    given: tuple[int, ...]
    alphas: tuple[tuple[float, ...], ...]
    token_ids: tuple[int, ...]
    role: int | None
    drafts: bool


def repeatable(
    run: StoredRun, tokens: Sequence[ExplainedToken], loaded: Sequence[RoleInForce] = ()
) -> Repeatable:
    """What it takes to run ``run`` again.

    Args:
        run: The run.
        tokens: Its text.
        loaded: What is in memory; where it is what the run was made with, the recipe is as it was.

    Noise depends on the seed and the position alone, so that a token that was drawn before one that
    was given may be given as well.
    """
    forced = (token.index + 1 for token in tokens if token.forced)
    given = min(max(run.drawn_from, *forced, 0), len(tokens))
    recipe = run.recipe if tuple(loaded) == run.roles else _as_it_ran(run.recipe, run.roles)
    if tokens and run.role is None:
        recipe = recipe.with_alphas(tokens[0].alphas)
    return Repeatable(
        prompt=run.prompt,
        recipe=recipe,
        config=_config(run, tokens),
        given=tuple(token.token_id for token in tokens[:given]),
        alphas=tuple(token.alphas for token in tokens),
        token_ids=tuple(token.token_id for token in tokens),
        role=run.role,
        drafts=run.drafts,
    )


def _as_it_ran(recipe: Recipe, roles: Sequence[RoleInForce]) -> Recipe:
    """The recipe with what ``auto``, and a Hub model without a revision, stood for."""
    for place, (spec, role) in enumerate(zip(recipe.checkpoints(), roles, strict=False)):
        if spec.source.startswith("endpoint:"):
            continue
        pinned = replace(
            spec,
            source=_with_revision(spec.source, role.revision),
            over=_with_revision(spec.over, role.revision),
            device=role.device if spec.device == "auto" else spec.device,
            dtype=role.dtype if spec.dtype == "auto" and role.dtype in DTYPES else spec.dtype,
        )
        recipe = recipe.with_role(place, pinned)
    return recipe


def _with_revision(source: str, revision: str) -> str:
    pinned = source.startswith("hub:") and revision and "@" not in source
    return f"{source}@{revision}" if pinned else source


def _config(run: StoredRun, tokens: Sequence[ExplainedToken]) -> GenerationConfig:
    """The settings, which a person may have gone on beyond: past a limit, or past a stop string."""
    text = "".join(token.text for token in tokens)
    ended_itself = run.summary.finish_reason in (FinishReason.EOS, FinishReason.STOP)
    room = run.config.max_new_tokens if ended_itself else 0
    return replace(
        run.config,
        max_new_tokens=max(len(tokens) + room, 1),
        stop=tuple(string for string in run.config.stop if string not in text),
    )
