"""Columns of the plot: neighbouring tokens that are drawn together where they are narrow; no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.attribution.row_statistics import Floats

_LEAST_PIXELS = 2.5
"""Width of a token in pixels below which tokens are drawn together."""
_COLUMN_PIXELS = 5.0
_SAYS_LITTLE = 0.6


def column_size(tokens_per_pixel: float) -> int:
    """Number of tokens that are drawn together; 1 where each token has some pixels."""
    if tokens_per_pixel * _LEAST_PIXELS <= 1:
        return 1
    return max(math.ceil(tokens_per_pixel * _COLUMN_PIXELS), 1)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Lowest, mean and highest values of every ``size`` neighbouring tokens, [⌈T / size⌉, …] each.

    Attributes:
        places: The middle of each column on the axis of tokens.
    """

    places: Floats
    low: Floats
    mean: Floats
    high: Floats

    @property
    def tell_apart(self) -> bool:
        """Whether the ranges of the columns differ from the range of all tokens.

        Where most columns reach from the lowest to the highest of all values, showing that of each
        says nothing.
        """
        if not len(self.places):
            return False
        reach = float(self.high.max() - self.low.min())
        return float(np.median(self.high - self.low)) < _SAYS_LITTLE * reach


def in_columns(values: Floats, size: int) -> Columns:
    """Combine every ``size`` neighbours of ``values``, [T, …]; the last column may have fewer."""
    if not len(values):
        return Columns(np.zeros(0), values, values, values)
    starts = np.arange(0, len(values), size)
    counts = np.diff(np.append(starts, len(values)))
    shape = (-1,) + (1,) * (values.ndim - 1)
    return Columns(
        starts + (counts - 1) / 2,
        np.minimum.reduceat(values, starts, axis=0),
        np.add.reduceat(values, starts, axis=0) / counts.reshape(shape),
        np.maximum.reduceat(values, starts, axis=0),
    )
