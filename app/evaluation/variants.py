"""The variants that an evaluation compares: roles, tuned distributions, checkpoints."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.checkpoints.spec import Recipe
from app.decoding.alpha_policy import CONSTANT, AlphaPolicy
from app.errors import EvaluationError

_ROLES = ("base", "expert", "antiexpert", "tuned")


@dataclass(frozen=True, slots=True)
class Variant:
    """A distribution over the next token that is evaluated.

    Attributes:
        name: The name in results.
        recipe: The recipe to load.
        kind: ``base``, ``expert``, ``antiexpert``, ``tuned`` or ``checkpoint``.
        role_index: For a single role, its index in ``Recipe.roles``; None for a tuned distribution.
        alphas: The alphas of a tuned distribution, [P].
        scale: The factor by which the recipe's alphas were multiplied.
        policy: How the alphas change from token to token.
    """

    name: str
    recipe: Recipe
    kind: str
    role_index: int | None = None
    alphas: tuple[float, ...] = ()
    scale: float = 1.0
    policy: AlphaPolicy = CONSTANT

    @property
    def title(self) -> str:
        """The name, followed by the scale if it is not 1, and the policy if it is not constant."""
        scaled = self.name if self.scale == 1.0 else f"{self.name} ×{self.scale:g}"
        return scaled if self.policy.is_constant else f"{scaled} {self.policy.text}"


def default_roles(recipe: Recipe) -> tuple[str, ...]:
    """The default variants: the base, every expert alone if it is here, and the tuned one."""
    if recipe.base.tuned:
        return "base", "tuned"
    if len(recipe.pairs) == 1:
        return "base", "expert", "tuned"
    return ("base", *(f"expert:{pair.name}" for pair in recipe.pairs), "tuned")


def variants_of(
    recipe: Recipe,
    roles: Sequence[str],
    scales: Sequence[float],
    single_model: Callable[[str], Recipe],
    policies: Sequence[AlphaPolicy] = (CONSTANT,),
) -> list[Variant]:
    """The variants for a list of role names; tuned ones repeat for each scale and policy.

    Args:
        recipe: The evaluated recipe.
        roles: ``base``, ``expert``, ``antiexpert`` or ``tuned``; or a checkpoint as ``MODEL`` or
            ``NAME=MODEL``. ``expert:NAME`` (or its number from 1) selects a pair other than the
            first; ``tuned:NAME`` uses that pair only.
        scales: Factors for all alphas.
        single_model: Creates a recipe in which one model has all roles.
        policies: Policies of alpha.

    Raises:
        EvaluationError: A role does not exist, or two variants have the same name.
        RecipeError: A checkpoint cannot be parsed.
    """
    variants: list[Variant] = []
    for role in roles:
        kind, _, which = role.partition(":")
        if kind == "base" and not which:
            variants.append(Variant(role, recipe, "base", 0))
        elif kind in ("expert", "antiexpert"):
            pair = _pair(recipe, which) if which else 0
            variants.append(Variant(role, recipe, kind, 1 + 2 * pair + (kind == "antiexpert")))
        elif kind == "tuned":
            chosen = _pair(recipe, which) if which else None
            variants += [
                Variant(role, recipe, kind, None, _scaled(recipe, scale, chosen), scale, policy)
                for policy in policies
                for scale in scales
            ]
        else:
            variants.append(_checkpoint(role, recipe, single_model))
    titles = [variant.title for variant in variants]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise EvaluationError(
            f"Two roles have the name “{twice}”", next_step="Name checkpoints as NAME=MODEL."
        )
    return variants


def _scaled(recipe: Recipe, scale: float, only: int | None) -> tuple[float, ...]:
    return tuple(
        scale * alpha if only in (None, place) else 0.0 for place, alpha in enumerate(recipe.alphas)
    )


def _pair(recipe: Recipe, which: str) -> int:
    names = [pair.name for pair in recipe.pairs]
    if which in names:
        return names.index(which)
    if which.isdecimal() and 0 < int(which) <= len(names):
        return int(which) - 1
    raise EvaluationError(
        f"The recipe has no expert pair “{which}”",
        next_step=f"Its pairs are: {', '.join(names)}.",
    )


def _checkpoint(role: str, recipe: Recipe, single_model: Callable[[str], Recipe]) -> Variant:
    name, separator, model = role.partition("=")
    if not separator:
        model, name = role, role.rstrip("/").rsplit("/", 1)[-1]
        if ":" not in role and "/" not in role and not Path(role).exists():
            near = difflib.get_close_matches(role, _ROLES, 1)
            raise EvaluationError(
                f"There is no role “{role}”",
                next_step=f"Did you mean “{near[0]}”?"
                if near
                else f"Name one of {', '.join(_ROLES)}, or a checkpoint as NAME=MODEL.",
            )
    expert = recipe.pairs[0].expert  # a directly tuned model is prompted like the expert
    found = single_model(model)
    for place, spec in enumerate(found.checkpoints()):
        found = found.with_role(
            place,
            replace(
                spec,
                prompt=expert.prompt,
                system=expert.system,
                dtype=recipe.base.dtype,
                device=recipe.base.device,
            ),
        )
    return Variant(name, replace(found, context=recipe.context), "checkpoint", 0)
