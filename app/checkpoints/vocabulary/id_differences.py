"""Which differences between two vocabularies count. Imports no torch."""

from __future__ import annotations

import re

MOST_DIFFERENT = 0.01
"""From this share of different ids on, a recipe is refused; fewer different ids are masked."""

_RESERVED = re.compile(
    r"[<\[].*(reserved|unused|extra|pad|dummy|placeholder).*[>\]]", re.IGNORECASE
)


def matters(here: str | None, there: str | None) -> bool:
    """Whether a difference masks a token of the base that is not merely reserved.

    Args:
        here: The token of the id in the base, or None.
        there: Another token in another role, or None.
    """
    if here is None:
        return False
    return there is not None or not is_reserved(here)


def is_reserved(token: str) -> bool:
    """Whether a token is a placeholder without a meaning, such as ``<unused12>``."""
    return _RESERVED.fullmatch(token) is not None
