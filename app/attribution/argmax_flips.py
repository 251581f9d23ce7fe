"""The alphas at which the argmax of a tuned row changes, exactly, from rows only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.decoding.tuned_logits import Row

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Flip:
    """An α at which the argmax changes from ``before`` to ``after``."""

    alpha: float
    before: int
    after: int


def argmax_flips(without: Row, slope: Row, lowest: float, highest: float) -> tuple[Flip, ...]:
    """The changes of argmax between two alphas, ascending.

    They are the breakpoints of the upper envelope of the lines without + α · slope.

    Args:
        without: The row at α = 0, [V].
        slope: What α multiplies, [V].
        lowest: The least α.
        highest: The greatest α.
    """
    usable = _contenders(without, slope, lowest, highest)
    heights, slopes = without[usable].astype(np.float64), slope[usable].astype(np.float64)
    alpha = lowest
    # Among lines of equal height the steepest is the highest for larger α.
    best = int(np.lexsort((slopes, heights + alpha * slopes))[-1])
    flips = []
    while True:
        steeper = np.flatnonzero(slopes > slopes[best])
        if not steeper.size:
            break
        crossings = (heights[best] - heights[steeper]) / (slopes[steeper] - slopes[best])
        alpha = float(crossings.min())
        if alpha > highest:
            break
        reached = steeper[crossings == alpha]
        overtaking = int(reached[slopes[reached].argmax()])
        flips.append(Flip(alpha, int(usable[best]), int(usable[overtaking])))
        best = overtaking
    return tuple(flips)


def _contenders(without: Row, slope: Row, lowest: float, highest: float) -> NDArray[np.int64]:
    """Indices of the lines that can be the highest at some α in the interval, ascending.

    Every line that is the highest somewhere is included. The higher of the two lines that are
    highest at either end of the interval is a convex bound with one bend. A line exceeds it
    somewhere only if it does so at an end or at the bend.
    """
    heights, slopes = without.astype(np.float64), slope.astype(np.float64)
    np.copyto(slopes, 0.0, where=np.isneginf(heights))  # an impossible token stays one
    at_lowest, at_highest = heights + lowest * slopes, heights + highest * slopes
    first, last = int(at_lowest.argmax()), int(at_highest.argmax())
    reach = (at_lowest >= at_lowest[first]) | (at_highest >= at_highest[last])
    bend = slopes[last] - slopes[first]
    if bend > 0:
        alpha = (heights[first] - heights[last]) / bend
        bound = heights[first] + alpha * slopes[first]
        reach |= heights + alpha * slopes >= bound - _ROUNDING * max(abs(bound), 1.0)
    return np.flatnonzero(reach)
