"""The largest scale of alpha whose divergence from the base stays within a limit. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.decoding.tuned_logits import Row

_TOLERANCE = 1e-7
"""How far the scale that is found may be below the largest one."""
_MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class _Divergence:
    """KL(p_s ‖ p_0) at one scale s, in nats, and its derivative s · Var_s(d)."""

    value: float
    slope: float


class _ScaledFamily:
    """The distributions p_s ∝ p_base · exp(s d), in float64, without masked ids."""

    def __init__(self, base: Row, difference: Row) -> None:
        usable = np.isfinite(base)
        base, difference = base[usable], difference[usable]
        self._base = base.astype(np.float64)
        self._difference = difference.astype(np.float64)
        self._base -= self._base.max()
        self._base -= math.log(float(np.exp(self._base).sum()))

    def divergence(self, scale: float) -> _Divergence:
        row = self._base + scale * self._difference
        highest = float(row.max())
        weights = np.exp(np.subtract(row, highest, out=row), out=row)
        total = float(weights.sum())
        mean = float(np.einsum("v,v->", weights, self._difference)) / total
        square = np.einsum("v,v,v->", weights, self._difference, self._difference, optimize=False)
        log_total = highest + math.log(total)
        variance = max(float(square) / total - mean * mean, 0.0)
        return _Divergence(max(scale * mean - log_total, 0.0), scale * variance)


def largest_scale(base: Row, difference: Row, limit: float) -> float:
    """The largest s in [0, 1] with KL(softmax(base + s · difference) ‖ softmax(base)) ≤ limit.

    The divergence grows with s: its derivative is s times the variance of the difference. The
    scale is found by Newton's method on its square root, which is nearly linear in s, within a
    bracket. The result never exceeds the limit, and is at most ``_TOLERANCE`` below the largest.

    Args:
        base: The base's row, [V].
        difference: What the pairs add to it with their whole alphas, [V]; 0 at masked ids.
        limit: The limit, in nats.
    """
    family = _ScaledFamily(base, difference)
    at = family.divergence(1.0)
    if at.value <= limit:
        return 1.0
    low, high, scale = 0.0, 1.0, 1.0
    for _ in range(_MOST_STEPS):
        if high - low <= _TOLERANCE:
            break
        step = _newton(at, limit)
        scale = scale + step - _TOLERANCE / 2  # from above it would approach without arriving
        if not low < scale < high:
            scale = (low + high) / 2
        at = family.divergence(scale)
        if at.value > limit:
            high = scale
        else:
            low = scale
            if abs(_newton(at, limit)) <= _TOLERANCE:
                break
    return low


def _newton(at: _Divergence, limit: float) -> float:
    """The step of Newton's method towards √KL = √limit; infinite where the slope is 0."""
    if at.slope == 0.0:
        return math.inf
    root = math.sqrt(at.value)
    return (math.sqrt(limit) - root) * 2 * root / at.slope
