"""What a role makes of one token of its prompt, in words."""

from __future__ import annotations

from collections.abc import Callable

from app.attribution.candidates import tabulate
from app.attribution.measures import BIT
from app.attribution.scored_prompt import PromptToken
from app.ui.translation import translate
from app.ui.words.unit_words import bits
from app.wording import probability, quoted

_MOST = 8
"""How many of the most probable tokens are named."""


def about_token(role: str, token: PromptToken, label: Callable[[int], str]) -> str:
    """Role, id, probability, rank and entropy of a token, and the most probable tokens there.

    Args:
        role: The title of the role.
        token: The token.
        label: Returns the text of a token id.
    """
    name = translate("PromptPreview", "{0}: {1}, token {2}, id {3}").format(
        role, quoted(token.text), f"{token.position + 1:,}", token.token_id
    )
    if token.scored is None:
        first = translate("PromptPreview", "nothing predicts the first token")
        return name if token.position else f"{name} · {first}"
    told = token.scored.attribution
    parts = [
        name,
        translate("PromptPreview", "probability {0}").format(probability(told.p_tuned)),
        bits(-told.logprob_tuned / BIT),
        translate("PromptPreview", "rank {0}").format(f"{told.rank_tuned:,}"),
        translate("PromptPreview", "entropy {0}").format(bits(told.entropy_tuned / BIT)),
    ]
    lines = [" · ".join(parts)]
    if token.candidates is not None:
        table = tabulate(token.candidates)
        found = zip(table.token_ids[:_MOST].tolist(), table.p_tuned[:_MOST].tolist(), strict=True)
        named = [f"{quoted(label(id_))} {probability(p)}" for id_, p in found]
        lines.append(translate("PromptPreview", "Most probable: {0}").format("\u2002".join(named)))
    return "\n".join(lines)
