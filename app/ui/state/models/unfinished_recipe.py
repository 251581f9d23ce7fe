"""Which models would complete a recipe whose roles do not share a vocabulary yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from app.checkpoints.candidates.local_model import LocalModel
from app.checkpoints.candidates.partners import (
    Partner,
    antiexperts_for,
    companions_of,
    partners_for,
    possible_bases,
)
from app.checkpoints.preflight_report import Preflight, Verdict
from app.checkpoints.spec import SHARED, Recipe

_MOST = 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """Models that would go with the rest: a partner for each place of ``Recipe.roles``."""

    roles: tuple[tuple[int, Partner], ...]

    @property
    def sources(self) -> dict[int, str]:
        """The source for each place."""
        return {place: partner.model.source for place, partner in self.roles}


@dataclass(frozen=True, slots=True)
class UnfinishedRecipe:
    """A recipe whose roles do not go together yet.

    Attributes:
        anchor: The place of the role that the others have to go with: what was chosen last.
        missing: The places whose models do not go with the anchor.
    """

    recipe: Recipe
    anchor: int
    missing: tuple[int, ...]

    @property
    def pair(self) -> int | None:
        """The first pair that does not go with the base; None if another base is wanted."""
        return None if 0 in self.missing else min((place - 1) // 2 for place in self.missing)


def what_is_missing(found: Preflight, recipe: Recipe, before: Recipe | None) -> UnfinishedRecipe:
    """Which roles of a recipe do not go together, by its check.

    Args:
        found: The check of ``recipe``.
        recipe: The recipe of the window.
        before: The recipe before the edit, if it is known.
    """
    different = [
        place
        for place, role in enumerate(found.vocabulary.roles)
        if role.verdict is Verdict.DIFFERENT
    ]
    anchor = _anchor(different, recipe, before)
    if anchor == 0:
        return UnfinishedRecipe(recipe, 0, tuple(different))
    pair = (anchor - 1) // 2
    counterpart = 2 + 2 * pair if anchor % 2 else 1 + 2 * pair
    if pair in found.vocabulary.pairs_alike:
        return UnfinishedRecipe(recipe, anchor, (0,))  # its bytes cannot be read, or must not be
    bridges = not recipe.base.is_endpoint and recipe.vocabulary_of(pair) != SHARED
    return UnfinishedRecipe(recipe, anchor, (counterpart,) if bridges else (0, counterpart))


def what_is_bridged(found: Preflight) -> UnfinishedRecipe:
    """The roles with another vocabulary than the base in a recipe that can be used."""
    bridged = found.vocabulary.bridged
    places = [place for place, (name, _) in enumerate(found.recipe.roles()) if name in bridged]
    return UnfinishedRecipe(found.recipe, 0, tuple(places))


def _anchor(different: Sequence[int], recipe: Recipe, before: Recipe | None) -> int:
    """The first changed role that does not go with an unchanged base; otherwise the base."""
    if before is None or len(before.pairs) != len(recipe.pairs):
        return 0
    mine, theirs = recipe.checkpoints(), before.checkpoints()
    changed = [place for place in range(len(mine)) if mine[place].source != theirs[place].source]
    if 0 in changed:
        return 0
    return next((place for place in changed if place in different), 0)


def proposals_for(wanted: UnfinishedRecipe, models: Sequence[LocalModel]) -> list[Proposal]:
    """The best models on this disk that would go with the anchor, at most three proposals."""
    by_source = {model.source: model for model in models}
    anchor = by_source.get(wanted.recipe.checkpoints()[wanted.anchor].source)
    if anchor is None or not wanted.missing:
        return []
    found = _for_base if wanted.anchor == 0 else _for_expert
    return list(islice(found(wanted, anchor, models), _MOST))


def _for_base(
    wanted: UnfinishedRecipe, base: LocalModel, models: Sequence[LocalModel]
) -> Iterator[Proposal]:
    """Experts with their anti-experts for the first pair that lacks them."""
    first = wanted.pair or 0
    expert_place, anti_place = 1 + 2 * first, 2 + 2 * first
    experts: Iterable[Partner] = partners_for(base, models).experts
    if expert_place not in wanted.missing:
        mine = wanted.recipe.pairs[first].expert.source
        for expert in (it for it in experts if it.model.source == mine):
            for anti in antiexperts_for(base, expert, models):
                yield Proposal(((anti_place, anti),))
        return
    for expert in experts:
        if anti_place in wanted.missing:
            best = antiexperts_for(base, expert, models)[0]
            yield Proposal(((expert_place, expert), (anti_place, best)))
        else:
            yield Proposal(((expert_place, expert),))


def _for_expert(
    wanted: UnfinishedRecipe, anchor: LocalModel, models: Sequence[LocalModel]
) -> Iterator[Proposal]:
    """What completes an expert or anti-expert that was chosen.

    First the other role of its pair, if the pair may have another vocabulary than the base, then
    bases of its vocabulary with that role.
    """
    others = [place for place in wanted.missing if place != 0]
    if 0 not in wanted.missing:
        yield from (
            Proposal(((place, partner),))
            for place in others
            for partner in islice(companions_of(anchor, models), _MOST - 1)
        )
    for base in possible_bases(models):
        mine = next((it for it in partners_for(base, models).experts if it.model is anchor), None)
        if mine is None:
            continue
        roles = [(0, Partner(base, mine.reasons))]
        for place in others:
            found = antiexperts_for(base, mine, models)
            best = [it for it in found if place % 2 == 0 or it.model is not base]
            roles += [(place, best[0])] if best else []
        yield Proposal(tuple(roles))
