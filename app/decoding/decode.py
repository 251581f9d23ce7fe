"""Decoding as a generator: prompts in, token steps out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence

import torch

from app.decoding.detokenizer import Detokenizer, TextBuffer
from app.decoding.ensemble import Ensemble
from app.decoding.sampling import draw, process_logits
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from app.errors import Cancelled, ModelError


def decode(
    ensemble: Ensemble,
    prompts: Sequence[Sequence[int]],
    config: GenerationConfig,
    *,
    detokenizer: Detokenizer,
    eos_ids: Collection[int],
    alphas: Callable[[], tuple[float, ...]],
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[TokenStep, None, FinishReason]:
    """Generate from the tuned distribution softmax(s_M + Σ_i α_i (s_M⁺ᵢ − s_M⁻ᵢ)).

    Args:
        ensemble: The roles of a recipe; whatever it has read before is forgotten.
        prompts: The token ids of each evaluation's prompt, the base's first.
        config: Sampling settings and limits.
        detokenizer: Made for the base's tokenizer and prompt.
        eos_ids: Union of the end-of-sequence ids of all roles; any of them ends the text.
        alphas: Read once for each token, so that a change acts on the next one.
        cancelled: Asked before every prefill chunk and every token.

    Yields:
        A step for each token of the text; the end of sequence and the stop string are in none.

    Returns:
        Why the text ended. A context that is full ends it like ``max_new_tokens`` does.

    Raises:
        PromptError: When a prompt is empty or fills the context of its model.
        ModelError: When a model computes logits that are not numbers.
    """
    text = TextBuffer(detokenizer, config.stop)
    reason = FinishReason.LENGTH
    try:
        for step in _draw_tokens(ensemble, prompts, config, alphas, cancelled):
            if step.token_id in eos_ids:
                reason = FinishReason.EOS
                break
            yield from text.push(step)
            if text.stopped:
                return FinishReason.STOP
    except Cancelled:
        reason = FinishReason.CANCELLED
    except ModelError:
        yield from text.flush()  # nothing that was drawn is lost
        raise
    yield from text.flush()
    return reason


def _draw_tokens(
    ensemble: Ensemble,
    prompts: Sequence[Sequence[int]],
    config: GenerationConfig,
    alphas: Callable[[], tuple[float, ...]],
    cancelled: Callable[[], bool],
) -> Generator[TokenStep, None, None]:
    """Plain decoding: one token from one evaluation of every role. Steps have no text yet."""
    logits = ensemble.prefill(prompts, cancelled)
    history = list(prompts[0])
    room = ensemble.room
    limit = config.max_new_tokens if room is None else min(config.max_new_tokens, room)
    for index in range(limit):
        if cancelled():
            raise Cancelled
        weights = alphas()
        scores = process_logits(
            logits.combined(0, weights), torch.tensor(history, dtype=torch.int64), config
        )
        token_id, probability = draw(scores, config, index)
        yield TokenStep(
            index=index,
            token_id=token_id,
            text="",
            start=0,
            alphas=weights,
            logits=logits.on_host(0),
            sampled_probability=probability,
        )
        history.append(token_id)
        if index + 1 < limit:
            logits = ensemble.extend([token_id])
