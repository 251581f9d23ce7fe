"""Checks that tuned logits can be sampled from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from app.decoding.tuned_logits import Row
from app.decoding.types import RoleLogits
from app.errors import ModelError


def require_sampleable(tuned: Row, rows: Callable[[], RoleLogits], alphas: Sequence[float]) -> None:
    """Raise an error if the highest tuned logit is not a finite number.

    The rows of each role have been checked by then. Their combination can still be unusable: where
    both models of a pair have −inf the difference is NaN, and an id that one role allows may be
    masked or forbidden by another.

    Args:
        tuned: The tuned row, [V].
        rows: Returns the rows of the roles that it was computed from.
        alphas: The α of each pair.

    Raises:
        ModelError: Names the logits of each role at the offending token.
    """
    if math.isfinite(tuned.max()):  # the maximum is NaN if any value is
        return
    token_id, logits = int(np.argmax(tuned)), rows()
    values = [f"base {logits.base[token_id]}"]
    values += [
        f"pair {number} {expert[token_id]} and {antiexpert[token_id]} at α {alpha}"
        for number, (expert, antiexpert, alpha) in enumerate(
            zip(logits.experts, logits.antiexperts, alphas, strict=False), 1
        )
    ]
    raise ModelError(
        "The models leave no token to sample",
        evidence=f"logits of token {token_id}: {', '.join(values)}".replace("-inf", "−inf"),
        next_step="Check that the checkpoints are intact and share their vocabulary.",
    )
