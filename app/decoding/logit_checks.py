"""Whether a tuned row leaves a token to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from app.decoding.tuned_logits import Row
from app.decoding.types import RoleLogits
from app.errors import ModelError


def require_sampleable(tuned: Row, logits: RoleLogits, alphas: Sequence[float]) -> None:
    """Refuse a tuned row whose highest value is no number, before anything is drawn from it.

    Each role alone has been looked at by then. Together they may still leave nothing: where both
    models of a pair forbid a token their difference is no number, and what one allows may be what
    the other, or the mask, forbids.

    Args:
        tuned: [V].
        logits: What it was made of.
        alphas: The weights it was made with.

    Raises:
        ModelError: Says which roles computed what.
    """
    if math.isfinite(tuned.max()):  # NaN where any is
        return
    token_id = int(np.argmax(tuned))
    said = [f"base {logits.base[token_id]}"]
    said += [
        f"pair {number} {expert[token_id]} and {antiexpert[token_id]} at α {alpha}"
        for number, (expert, antiexpert, alpha) in enumerate(
            zip(logits.experts, logits.antiexperts, alphas, strict=False), 1
        )
    ]
    raise ModelError(
        "The models leave no token to draw",
        evidence=f"logits of token {token_id}: {', '.join(said)}".replace("-inf", "−inf"),
        next_step="Check that the checkpoints are intact and share their vocabulary.",
    )
