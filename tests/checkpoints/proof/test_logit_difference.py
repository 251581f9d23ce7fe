"""Differences of rows against NumPy, for rows without a likely token in particular."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.checkpoints.proof.logit_difference import difference


def test_rows_of_many_ids_of_nearly_the_same_probability_are_compared() -> None:
    """As an untrained model has them: each id is less probable than those that are compared."""
    generator = torch.Generator().manual_seed(0)
    reference = torch.randn(3, 5000, generator=generator) * 0.01
    rows = reference.clone()
    rows[1, reference[1].argmax()] += 0.25
    found = difference(rows, reference)

    p, q = (
        each - np.logaddexp.reduce(each, -1, keepdims=True)
        for each in map(_exact, (reference, rows))
    )
    best = p[1].argmax()
    assert np.exp(np.maximum(p, q)).max() < 1e-3
    assert found.largest == pytest.approx(abs(p[1, best] - q[1, best]), rel=1e-9)
    assert found.divergence == pytest.approx((np.exp(p) * (p - q)).sum(-1).mean(), rel=1e-6)
    assert difference(reference, reference).largest == 0


def _exact(rows: torch.Tensor) -> np.ndarray:
    return rows.double().numpy()
