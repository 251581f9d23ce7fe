"""Whose answers are measured: a role alone, the tuned distribution, or another checkpoint."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.checkpoints.spec import Recipe
from app.errors import EvaluationError

_ROLES = ("base", "expert", "antiexpert", "tuned")


@dataclass(frozen=True, slots=True)
class View:
    """One distribution over the next token.

    Attributes:
        name: What to call it.
        recipe: What is loaded for it.
        kind: ``base``, ``expert``, ``antiexpert``, ``tuned`` or ``checkpoint``.
        place: A role alone, by its place among ``Recipe.roles``; None for the tuned distribution.
        alphas: The weights of the tuned distribution, [P].
        scale: What every alpha of the recipe was multiplied with.
    """

    name: str
    recipe: Recipe
    kind: str
    place: int | None = None
    alphas: tuple[float, ...] = ()
    scale: float = 1.0

    @property
    def title(self) -> str:
        """The name, with the scale where there is one."""
        return self.name if self.scale == 1.0 else f"{self.name} ×{self.scale:g}"


def usual_roles(recipe: Recipe) -> tuple[str, ...]:
    """Who is asked where nobody says: the base, every expert alone, and the tuned distribution."""
    if len(recipe.pairs) == 1:
        return "base", "expert", "tuned"
    return ("base", *(f"expert:{pair.name}" for pair in recipe.pairs), "tuned")


def views_of(
    recipe: Recipe,
    roles: Sequence[str],
    scales: Sequence[float],
    alone: Callable[[str], Recipe],
) -> list[View]:
    """The views that ``roles`` name; a tuned one once for every scale.

    Args:
        recipe: What ``base``, ``expert``, ``antiexpert`` and ``tuned`` mean. ``expert:NAME`` (or a
            number from 1) is another pair's than the first; ``tuned:NAME`` has that pair alone.
        roles: Names of roles, or checkpoints as ``MODEL`` or ``NAME=MODEL``.
        scales: What every alpha is multiplied with.
        alone: A recipe of one model and itself.

    Raises:
        EvaluationError: A role is not there, or two are called the same.
        RecipeError: A checkpoint cannot be understood.
    """
    views: list[View] = []
    for role in roles:
        kind, _, which = role.partition(":")
        if kind == "base" and not which:
            views.append(View(role, recipe, "base", 0))
        elif kind in ("expert", "antiexpert"):
            pair = _pair(recipe, which) if which else 0
            views.append(View(role, recipe, kind, 1 + 2 * pair + (kind == "antiexpert")))
        elif kind == "tuned":
            chosen = _pair(recipe, which) if which else None
            views += [
                View(role, recipe, kind, None, _scaled(recipe, scale, chosen), scale)
                for scale in scales
            ]
        else:
            views.append(_checkpoint(role, recipe, alone))
    titles = [view.title for view in views]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise EvaluationError(
            f"Two roles are called “{twice}”", next_step="Name checkpoints as NAME=MODEL."
        )
    return views


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


def _checkpoint(role: str, recipe: Recipe, alone: Callable[[str], Recipe]) -> View:
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
    expert = recipe.pairs[0].expert  # what is tuned directly is prompted like what is tuned small
    found = alone(model)
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
    return View(name, replace(found, context=recipe.context), "checkpoint", 0)
