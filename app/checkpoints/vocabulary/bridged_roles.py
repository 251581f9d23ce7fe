"""Which pairs of another vocabulary read the base's tokens by their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer

from app.checkpoints.opening import OpenedRecipe
from app.checkpoints.preflight_report import TextShare
from app.checkpoints.spec import SHARED, STRICT
from app.checkpoints.vocabulary.readable_tokens import Spelled, can_be_bridged
from app.checkpoints.vocabulary.text_share import text_shares
from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.checkpoints.vocabulary.tokens import RoleTokens

Shares = tuple[TextShare, ...]


def bridged_roles(
    opened: OpenedRecipe, roles: Sequence[RoleTokens], pairs: Iterable[int]
) -> dict[int, Shares]:
    """The roles that can be bridged, by place, with how much of sample texts they read exactly.

    Args:
        opened: The recipe.
        roles: The tokens of its roles.
        pairs: The pairs, by index, of another vocabulary than the base whose roles share it.
    """
    if opened.roles[0].spec.is_endpoint:
        return {}
    known: dict[tuple[int, bool], Shares | None] = {}
    found: dict[int, Shares] = {}
    for pair in pairs:
        strict = opened.recipe.vocabulary_of(pair) == STRICT
        if opened.recipe.vocabulary_of(pair) == SHARED:
            continue
        of_pair: list[Shares | None] = []
        places = (1 + 2 * pair, 2 + 2 * pair)
        for place in places:
            key = (id(opened.roles[place].tokenizer), strict)
            if key not in known:
                known[key] = _shares(opened, roles, place, strict=strict)
            of_pair.append(known[key])
        if None not in of_pair:
            found |= {place: each or () for place, each in zip(places, of_pair, strict=True)}
    return found


def _shares(
    opened: OpenedRecipe, roles: Sequence[RoleTokens], place: int, *, strict: bool
) -> Shares | None:
    """How much of sample texts a role reads exactly, or None if it cannot be bridged."""
    base: Tokenizer = opened.roles[0].tokenizer.backend_tokenizer
    mine: Tokenizer = opened.roles[place].tokenizer.backend_tokenizer
    spelled: Spelled = text_bytes(mine, roles[place].rows)
    if not can_be_bridged(spelled):
        return None
    ends = (roles[0].end_ids, roles[place].end_ids)
    return text_shares(base, mine, spelled, roles[0].rows, ends, strict=strict)
