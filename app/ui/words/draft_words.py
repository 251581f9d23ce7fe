"""Words for a recipe whose roles do not share a vocabulary yet."""

from __future__ import annotations

from app.checkpoints.source_names import model_name
from app.ui.state.models.draft_advice import Draft, Proposal
from app.ui.translation import translate
from app.ui.words.candidate_words import about_candidate
from app.ui.words.role_words import role_titles


def draft_line(draft: Draft) -> str:
    """What is missing, in one calm sentence or two."""
    specs = draft.recipe.checkpoints()
    anchor = model_name(specs[draft.anchor])
    everything = len(draft.missing) == len(specs) - 1
    if draft.anchor == 0 and everything and len(draft.recipe.pairs) > 1:
        text = translate(
            "Draft",
            "{0} does not share a vocabulary with the pairs. Choose experts and anti-experts "
            "for {0}.",
        )
        return text.format(anchor)
    wanted = _listed(_titles(draft))
    if len(draft.missing) == 1:
        other = model_name(specs[draft.missing[0]])
        text = translate("Draft", "{0} and {1} do not share a vocabulary. Choose {2} for {1}.")
        return text.format(other, anchor, wanted)
    text = translate("Draft", "These models do not share a vocabulary. Choose {1} for {0}.")
    return text.format(anchor, wanted)


def _titles(draft: Draft) -> list[str]:
    """The missing roles; without the name of their pair if there is only one."""
    if len(draft.recipe.pairs) > 1:
        titles = role_titles(draft.recipe)
        return [titles[place] for place in draft.missing]
    titles = [
        translate("Draft", "a base"),
        translate("Draft", "an expert"),
        translate("Draft", "an anti-expert"),
    ]
    return [titles[place] for place in draft.missing]


def _listed(titles: list[str]) -> str:
    """Titles as a list in a sentence."""
    *first, last = titles
    if not first:
        return last
    separator = translate("Draft", ", ")
    return translate("Draft", "{0} and {1}").format(separator.join(first), last)


def proposal_title(proposal: Proposal) -> str:
    """The models of a proposal with their roles."""
    parts = []
    for place, partner in proposal.roles:
        if place == 0:
            text = translate("Draft", "base {0}")
        elif place % 2:
            text = translate("Draft", "expert {0}")
        else:
            text = translate("Draft", "anti-expert {0}")
        parts.append(text.format(partner.model.name))
    return translate("Draft", ", ").join(parts)


def about_proposal(proposal: Proposal) -> str:
    """Why the models of a proposal go with the rest, a line for each."""
    return "\n".join(
        f"{partner.model.name}: {about_candidate(partner)}" for _, partner in proposal.roles
    )
