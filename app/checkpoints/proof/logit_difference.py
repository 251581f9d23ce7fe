"""How far rows of logits are from others."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from app.checkpoints.proof.proof_bounds import LIKELY
from app.checkpoints.proof.proof_report import Difference

_LIKELY = math.log(LIKELY)


def difference(rows: Tensor, reference: Tensor) -> Difference:
    """Compare rows of logits, [k, V], with those that they should be, one row after another."""
    found = [
        _of_row(row, expected) for row, expected in zip(rows.cpu(), reference.cpu(), strict=True)
    ]
    return Difference(
        divergence=sum(each.divergence for each in found) / len(found),
        largest=max((each.largest for each in found), key=_nan_is_most),
    )


def _of_row(row: Tensor, reference: Tensor) -> Difference:
    found, expected = (torch.log_softmax(logits.double(), -1) for logits in (row, reference))
    apart = torch.where(found == expected, 0.0, expected - found)  # −∞ in both is no difference
    weighed = torch.where(expected == -math.inf, 0.0, expected.exp() * apart)
    least = min(_LIKELY, float(expected.max()))  # a flat row over many ids has no likely token
    likely = torch.maximum(found, expected) >= least
    unusable = bool(torch.isnan(found).any())
    return Difference(
        divergence=math.inf if unusable else max(0.0, float(weighed.sum())),
        largest=math.inf if unusable else float(apart[likely].abs().max()),
    )


def _nan_is_most(value: float) -> float:
    return math.inf if math.isnan(value) else value
