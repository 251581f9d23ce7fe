"""What is needed to run a stored run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.checkpoints.spec import Recipe
from app.decoding.types import GenerationConfig
from app.history.records import StoredRun, StoredToken


@dataclass(frozen=True, slots=True, eq=False)
class Repeatable:
    """A run to be repeated: the same recipe, settings and seed give the same tokens.

    Attributes:
        recipe: With the alphas of the first token.
        given: Token ids that the text begins with: those that were given then, and what was drawn
            before the last of them.
        alphas: The weights of every token, in order; [T, P].
        token_ids: What is to come out, [T].
        role: The place of the role that is to answer alone, or None.
    """

    prompt: str
    recipe: Recipe
    config: GenerationConfig
    given: tuple[int, ...]
    alphas: tuple[tuple[float, ...], ...]
    token_ids: tuple[int, ...]
    role: int | None


def repeatable(run: StoredRun, tokens: Sequence[StoredToken]) -> Repeatable:
    """What it takes to run ``run`` again, whose text is ``tokens``.

    Noise depends on the seed and the position alone, so that a token that was drawn before one that
    was given may be given as well.
    """
    given = max((token.index + 1 for token in tokens if token.forced), default=0)
    recipe = run.recipe
    if tokens and run.role is None:
        recipe = recipe.with_alphas(tokens[0].alphas)
    return Repeatable(
        prompt=run.prompt,
        recipe=recipe,
        config=run.config,
        given=tuple(token.token_id for token in tokens[:given]),
        alphas=tuple(token.alphas for token in tokens),
        token_ids=tuple(token.token_id for token in tokens),
        role=run.role,
    )
