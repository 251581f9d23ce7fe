"""Whether a token was drawn from a distribution, or from what is none."""

from __future__ import annotations

import math

from app.decoding.types import TokenStep
from app.errors import ModelError


def require_finite(step: TokenStep) -> None:
    """Refuse a token whose tuned logit is no number.

    A NaN wins every comparison, and of logits that are all −inf any may be chosen. So where one of
    these is in the way it is what was chosen, and the whole vocabulary need not be looked through.

    Raises:
        ModelError: Says which roles computed what.
    """
    logits, token_id = step.logits, step.token_id
    base = float(logits.base[token_id])
    pairs = [
        (float(expert[token_id]), float(antiexpert[token_id]))
        for expert, antiexpert in zip(logits.experts, logits.antiexperts, strict=True)
    ]
    values = [base, *(value for pair in pairs for value in pair)]
    if all(map(math.isfinite, values)):
        return
    tuned = base + sum(
        alpha * (expert - antiexpert)
        for alpha, (expert, antiexpert) in zip(step.alphas, pairs, strict=False)
    )
    if math.isfinite(tuned):
        return
    said = [f"base {base}"]
    said += [f"pair {n} {expert} and {anti}" for n, (expert, anti) in enumerate(pairs, 1)]
    raise ModelError(
        "The models leave no token to draw",
        evidence=f"logits of token {token_id}: {', '.join(said)}".replace("-inf", "−inf"),
        next_step="Check that the checkpoints are intact and share their vocabulary.",
    )
