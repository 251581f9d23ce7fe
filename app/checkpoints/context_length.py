"""How long a text each role of a recipe can read."""

from __future__ import annotations

from app.checkpoints.opening import OpenedRole
from app.decoding.context_limit import context_limit

_NO_LIMIT = 10**9
"""Tokenizers that know no limit name a larger number."""


def role_context(role: OpenedRole, asked: int | None = None) -> int | None:
    """The most tokens that ``role`` reads, or None where nothing limits them.

    Args:
        role: Whose configuration and tokenizer say how long.
        asked: The most tokens that the recipe asks for, if it does.
    """
    named = role.tokenizer.model_max_length
    limit = context_limit(role.config, named if named < _NO_LIMIT else None)
    return min((length for length in (limit, asked) if length), default=None)
