"""Words for a recipe whose roles do not share a vocabulary yet."""

from __future__ import annotations

from app.checkpoints.preflight_report import TextShare
from app.checkpoints.source_names import model_name
from app.ui.state.models.unfinished_recipe import Proposal, UnfinishedRecipe
from app.ui.translation import translate
from app.ui.words.candidate_words import about_candidate
from app.ui.words.role_words import role_titles
from app.ui.words.share_words import shares_in_words


def unfinished_line(wanted: UnfinishedRecipe) -> str:
    """What is missing, in one calm sentence or two."""
    specs = wanted.recipe.checkpoints()
    anchor = model_name(specs[wanted.anchor])
    everything = len(wanted.missing) == len(specs) - 1
    if wanted.anchor == 0 and everything and len(wanted.recipe.pairs) > 1:
        text = translate(
            "Unfinished",
            "{0} does not share a vocabulary with the pairs. Choose experts and anti-experts "
            "for {0}.",
        )
        return text.format(anchor)
    roles = _listed(_titles(wanted))
    if len(wanted.missing) == 1:
        other = model_name(specs[wanted.missing[0]])
        text = translate("Unfinished", "{0} and {1} do not share a vocabulary. Choose {2} for {1}.")
        return text.format(other, anchor, roles)
    text = translate("Unfinished", "These models do not share a vocabulary. Choose {1} for {0}.")
    return text.format(anchor, roles)


def bridged_line(wanted: UnfinishedRecipe, shares: tuple[TextShare, ...]) -> str:
    """Which pairs have another tokenizer than the base, and how much they read exactly."""
    recipe = wanted.recipe
    pairs = dict.fromkeys(recipe.pairs[(place - 1) // 2].name for place in wanted.missing)
    text = translate(
        "Unfinished",
        "{0} has another tokenizer than {1} and reads the text by its bytes: {2}.",
    )
    names = _listed([f"“{name}”" for name in pairs])
    return text.format(names, model_name(recipe.base), shares_in_words(shares))


def _titles(wanted: UnfinishedRecipe) -> list[str]:
    """The missing roles; without the name of their pair if there is only one."""
    if len(wanted.recipe.pairs) > 1:
        titles = role_titles(wanted.recipe)
        return [titles[place] for place in wanted.missing]
    titles = [
        translate("Unfinished", "a base"),
        translate("Unfinished", "an expert"),
        translate("Unfinished", "an anti-expert"),
    ]
    return [titles[place] for place in wanted.missing]


def _listed(titles: list[str]) -> str:
    """Titles as a list in a sentence."""
    *first, last = titles
    if not first:
        return last
    separator = translate("Unfinished", ", ")
    return translate("Unfinished", "{0} and {1}").format(separator.join(first), last)


def proposal_title(proposal: Proposal) -> str:
    """The models of a proposal with their roles."""
    parts = []
    for place, partner in proposal.roles:
        if place == 0:
            text = translate("Unfinished", "base {0}")
        elif place % 2:
            text = translate("Unfinished", "expert {0}")
        else:
            text = translate("Unfinished", "anti-expert {0}")
        parts.append(text.format(partner.model.name))
    return translate("Unfinished", ", ").join(parts)


def about_proposal(proposal: Proposal) -> str:
    """Why the models of a proposal go with the rest, a line for each."""
    return "\n".join(
        f"{partner.model.name}: {about_candidate(partner)}" for _, partner in proposal.roles
    )
