"""Which pairs of another vocabulary read the base's tokens by their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from tokenizers import Tokenizer

from app.checkpoints.opening import OpenedRecipe
from app.checkpoints.spec import SHARED, STRICT
from app.checkpoints.vocabulary.kept_shares import KeptShares, Shares
from app.checkpoints.vocabulary.readable_tokens import Spelled, can_be_bridged
from app.checkpoints.vocabulary.text_share import text_shares
from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.checkpoints.vocabulary.tokens import RoleTokens


def bridged_roles(
    opened: OpenedRecipe, roles: Sequence[RoleTokens], pairs: Iterable[int], kept: KeptShares
) -> dict[int, Shares]:
    """The roles that can be bridged, by place, with how much of sample texts they read exactly.

    Args:
        opened: The recipe.
        roles: The tokens of its roles.
        pairs: The pairs, by index, of another vocabulary than the base whose roles share it.
        kept: What was found before.
    """
    if opened.roles[0].spec.is_endpoint:
        return {}
    found: dict[int, Shares] = {}
    for pair in pairs:
        strict = opened.recipe.vocabulary_of(pair) == STRICT
        if opened.recipe.vocabulary_of(pair) == SHARED:
            continue
        places = (1 + 2 * pair, 2 + 2 * pair)
        of_pair = [
            kept.of(
                roles[0],
                roles[place],
                strict=strict,
                find=partial(_shares, opened, roles, place, strict=strict),
            )
            for place in places
        ]
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
