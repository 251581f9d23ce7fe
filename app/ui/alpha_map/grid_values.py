"""The numbers of the map of α: one row for each token, one column for each α. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from app.attribution.alpha_grid import AlphaGrid, alpha_axis
from app.attribution.measures import BIT
from app.decoding.types import FloatArray


class GridMeasure(StrEnum):
    """What the map of α shows of a token."""

    PROBABILITY = "probability"
    CHANGED = "changed"
    ENTROPY = "entropy"


@dataclass(frozen=True, slots=True)
class Cell:
    """One token at one α.

    Attributes:
        alpha: The α of the pair, or the factor of all alphas.
        probability: The probability of the token of the run.
        entropy: The entropy in bits.
        argmax: The most probable id.
        changed: Whether that is another id than with the alphas of the run.
        estimated: Whether all of this is estimated from candidates.
    """

    alpha: float
    probability: float
    entropy: float
    argmax: int
    changed: bool
    estimated: bool


class GridValues:
    """The values of all tokens of a run, NaN where they are not known.

    Args:
        count: Number of tokens.
    """

    def __init__(self, count: int) -> None:
        self.alphas = alpha_axis()
        self._probability = self._unknown(count)
        self._entropy = self._unknown(count)
        self._changed = self._unknown(count)
        self._argmax = np.full((count, len(self.alphas)), -1, np.int32)
        self._estimated = np.zeros(count, np.bool_)

    def _unknown(self, count: int) -> FloatArray:
        return np.full((count, len(self.alphas)), np.nan, np.float32)

    @property
    def count(self) -> int:
        """Number of tokens."""
        return len(self._estimated)

    @property
    def estimated(self) -> int:
        """Number of tokens that are estimated."""
        return int(self._estimated.sum())

    def extend_to(self, count: int) -> None:
        """Make place for ``count`` tokens."""
        more = GridValues(max(count - self.count, 0))
        if not more.count:
            return
        self._probability = np.concatenate([self._probability, more._probability])
        self._entropy = np.concatenate([self._entropy, more._entropy])
        self._changed = np.concatenate([self._changed, more._changed])
        self._argmax = np.concatenate([self._argmax, more._argmax])
        self._estimated = np.concatenate([self._estimated, more._estimated])

    def put(self, grid: AlphaGrid) -> None:
        """Set the values of the tokens of ``grid``."""
        at, read = grid.indices, grid.argmax >= 0
        self._probability[at] = grid.probability
        self._entropy[at] = grid.entropy / BIT
        self._changed[at] = np.where(read, grid.changed, np.nan)
        self._argmax[at] = grid.argmax
        self._estimated[at] = grid.estimated

    def of(self, measure: GridMeasure) -> FloatArray:
        """The values of a measure, [T, N]; whether the argmax changed is 1 or 0."""
        match measure:
            case GridMeasure.PROBABILITY:
                return self._probability
            case GridMeasure.ENTROPY:
                return self._entropy
            case GridMeasure.CHANGED:
                return self._changed

    def nearest(self, alpha: float) -> int:
        """Index of the α that is nearest to ``alpha``."""
        return int(np.abs(self.alphas - alpha).argmin())

    def cell(self, index: int, place: int) -> Cell | None:
        """Token ``index`` at the α ``place``; None where that is not known."""
        if not 0 <= index < self.count or np.isnan(self._probability[index, place]):
            return None
        return Cell(
            float(self.alphas[place]),
            float(self._probability[index, place]),
            float(self._entropy[index, place]),
            int(self._argmax[index, place]),
            bool(self._changed[index, place]),
            bool(self._estimated[index]),
        )


def in_groups(values: FloatArray, size: int) -> FloatArray:
    """The means of the known values of every ``size`` neighbouring tokens, [⌈T / size⌉, N]."""
    if size == 1 or not len(values):
        return values
    starts = np.arange(0, len(values), size)
    known: NDArray[np.bool_] = ~np.isnan(values)
    sums = np.add.reduceat(np.where(known, values, 0), starts, axis=0)
    counts = np.add.reduceat(known, starts, axis=0, dtype=np.int64)
    means: FloatArray = np.full_like(sums, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
