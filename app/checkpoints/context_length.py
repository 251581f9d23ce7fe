"""The context length of a role, from its configuration, its tokenizer and the recipe."""

from __future__ import annotations

from app.checkpoints.opening import OpenedRole
from app.decoding.context_limit import context_limit

_NO_LIMIT = 10**9
"""Larger values of ``model_max_length`` mean that the tokenizer has no limit."""


def role_context(role: OpenedRole, requested: int | None = None) -> int | None:
    """The context length of ``role`` in tokens, or None without a limit.

    Args:
        role: The opened role.
        requested: The context length in the recipe; None or 0 if it has none.
    """
    tokenizer_limit = role.tokenizer.model_max_length
    limit = context_limit(role.config, tokenizer_limit if tokenizer_limit < _NO_LIMIT else None)
    return min((length for length in (limit, requested) if length), default=None)
