"""What a pair of another vocabulary can say of a token of the base. Imports no torch."""

from __future__ import annotations

from enum import IntEnum

LIKELY = 0.01
"""Tokens of at least this probability under the base are read piece by piece."""


class Opinion(IntEnum):
    """What a pair of another vocabulary can say of a token of the base."""

    NONE = 0
    """Nothing: no token of the pair leads to it. The difference of the pair is 0."""
    BOUNDED = 1
    """What the pair says of the first piece, which other tokens of the base begin with as well."""
    EXACT = 2
    """The probability that the text goes on with this token."""
