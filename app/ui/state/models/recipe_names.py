"""Names that follow the models of an edited recipe, unless the user gave them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, count

from app.checkpoints.source_names import model_name
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.ui.translation import translate


class RecipeNames:
    """Renames the recipe and its pairs when their models change.

    A recipe of other models than those of the opened one is “Untitled”, and a pair with another
    expert is named after it. Names that the user gave in this window are kept.
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._given_pairs: set[str] = set()

    def give(self, name: str) -> None:
        """The user named the recipe."""
        self._given.add(name)

    def give_pair(self, name: str) -> None:
        """The user named a pair."""
        self._given_pairs.add(name)

    def follow(self, before: Recipe, after: Recipe, opened: Recipe) -> Recipe:
        """``after``, a change of ``before``, with the names that its models call for."""
        if len(before.pairs) == len(after.pairs):
            for index in range(len(after.pairs)):
                after = self._name_pair(index, before, after, opened)
        return self._name_recipe(after, opened)

    def _name_pair(self, index: int, before: Recipe, after: Recipe, opened: Recipe) -> Recipe:
        pair = after.pairs[index]
        if _same(before.pairs[index].expert, pair.expert) or pair.name in self._given_pairs:
            return after
        first = opened.pairs[index] if index < len(opened.pairs) else None
        back = first is not None and _same(first.expert, pair.expert)
        name = first.name if first and back else model_name(pair.expert)
        taken = {other.name for place, other in enumerate(after.pairs) if place != index}
        name = next(each for each in _numbered(name) if each not in taken)
        pairs = list(after.pairs)
        pairs[index] = replace(pair, name=name)
        return replace(after, pairs=tuple(pairs))

    def _name_recipe(self, recipe: Recipe, opened: Recipe) -> Recipe:
        if recipe.name not in (opened.name, untitled()) or recipe.name in self._given:
            return recipe
        known = {(spec.source, spec.over) for spec in opened.checkpoints()}
        other = not _same(recipe.base, opened.base) or any(
            (spec.source, spec.over) not in known for spec in recipe.checkpoints()
        )
        return replace(recipe, name=untitled() if other else opened.name)


def untitled() -> str:
    """The name of an edited recipe of other models."""
    return translate("RecipeNames", "Untitled")


def _same(one: CheckpointSpec, other: CheckpointSpec) -> bool:
    return (one.source, one.over, one.model) == (other.source, other.over, other.model)


def _numbered(name: str) -> Iterator[str]:
    return chain([name], (f"{name} {number}" for number in count(2)))
