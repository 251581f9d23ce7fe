"""The difference between rows of logits and reference rows, in two figures."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from app.checkpoints.proof.proof_bounds import LIKELY
from app.checkpoints.proof.proof_report import Difference

_LIKELY = math.log(LIKELY)


def difference(rows: Tensor, reference: Tensor) -> Difference:
    """Compare rows of logits, [k, V], with reference rows; row by row, to bound the memory."""
    of_rows = [
        _row_difference(row, expected)
        for row, expected in zip(rows.cpu(), reference.cpu(), strict=True)
    ]
    return Difference(
        divergence=sum(each.divergence for each in of_rows) / len(of_rows),
        largest=max((each.largest for each in of_rows), key=_nan_as_infinity),
    )


def _row_difference(row: Tensor, reference: Tensor) -> Difference:
    actual, expected = (torch.log_softmax(logits.double(), -1) for logits in (row, reference))
    apart = torch.where(actual == expected, 0.0, expected - actual)  # 0 if both are −∞
    weighted = torch.where(expected == -math.inf, 0.0, expected.exp() * apart)
    least = min(_LIKELY, float(expected.max()))  # a flat row over many ids has no likely token
    likely = torch.maximum(actual, expected) >= least
    unusable = bool(torch.isnan(actual).any())
    return Difference(
        divergence=math.inf if unusable else max(0.0, float(weighted.sum())),
        largest=math.inf if unusable else float(apart[likely].abs().max()),
    )


def _nan_as_infinity(value: float) -> float:
    return math.inf if math.isnan(value) else value
