"""Where a finished text would have gone another way under other weights: rows only, no model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from app.decoding.sampling import process_logits
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
) -> Iterator[WhatIfToken]:
    """Draw every token again, with the same noise and from its stored rows, under other weights.

    Each choice is what it would have been given the text before it as it is; after the first one
    the text itself would have been another. Tokens that were given and not drawn are left out.

    Args:
        steps: Tokens with their full rows.
        text: The ids of the whole text.
        prompt: The ids of the base's prompt.
        config: The settings that the text was drawn with.
        alphas: The weight of each pair, [P].
        cancelled: Asked for each token.

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
        tuned = process_logits(tuned_logits(step.logits, alphas), history, config)
        token_id, _ = tuned.sample(config.seed, step.index)
        if token_id != step.token_id:
            yield WhatIfToken(step.index, token_id)
