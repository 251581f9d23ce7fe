"""What-if analysis: the tokens that other alphas would have chosen, from stored rows only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from app.decoding.sampling import process_logits
from app.decoding.token_mask import TokenMask
from app.decoding.tuned_logits import tuned_logits
from app.decoding.types import GenerationConfig, TokenStep, WhatIfToken
from app.errors import Cancelled


def what_if_tokens(
    steps: Iterable[TokenStep],
    text: Sequence[int],
    prompt: Sequence[int],
    config: GenerationConfig,
    alphas: Sequence[float],
    cancelled: Callable[[], bool] = lambda: False,
    mask: TokenMask | None = None,
) -> Iterator[WhatIfToken]:
    """Sample every token of a finished run again with other alphas, and the same noise.

    Each token is conditioned on the text as it is, not on the tokens that the other alphas would
    have chosen before it. Given tokens are skipped. No model is run.

    Args:
        steps: The steps whose full rows are stored.
        text: Token ids of the whole run.
        prompt: Token ids of the base's prompt.
        config: The sampling settings of the run.
        alphas: The α of each pair, [P].
        cancelled: Called for each token.
        mask: The tokens that the structure in ``config`` allows.

    Yields:
        The tokens that differ from those of the run.

    Raises:
        Cancelled: When ``cancelled`` says so.
    """
    ids = np.array([*prompt, *text], dtype=np.int64)
    for step in steps:
        if cancelled():
            raise Cancelled
        if step.forced:
            continue
        history = ids[: len(prompt) + step.index]
        tuned = process_logits(
            tuned_logits(step.kept_logits, alphas),
            history,
            config,
            len(prompt),
            mask.allowed(history[len(prompt) :].tolist()) if mask else None,
        )
        token_id, _ = tuned.sample(config.seed, step.index)
        if token_id != step.token_id:
            yield WhatIfToken(step.index, token_id)
