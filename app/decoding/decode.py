"""Decoding as a generator: prompts in, token steps out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass

from app.decoding.detokenizer import Detokenizer, TextBuffer
from app.decoding.ensemble import Ensemble
from app.decoding.speculative import Speculator
from app.decoding.token_sampler import TokenSampler
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from app.errors import Cancelled, ContextLengthError

SCORING_BLOCK = 32
"""Given tokens are read so many at a time: their rows are kept together, at full vocabulary."""


@dataclass(frozen=True, slots=True)
class TextPrefix:
    """What a text begins with, before anything is drawn.

    Attributes:
        kept: Ids that are out already. They are read where the KV caches do not hold them, and no
            step is given for them.
        forced: Ids after these that are given; their steps say what the models made of them.
    """

    kept: tuple[int, ...] = ()
    forced: tuple[int, ...] = ()


NO_PREFIX = TextPrefix()


def decode(
    ensemble: Ensemble,
    prompts: Sequence[Sequence[int]],
    config: GenerationConfig,
    *,
    detokenizer: Detokenizer,
    eos_ids: Collection[int],
    alphas: Callable[[], tuple[float, ...]],
    cancelled: Callable[[], bool] = lambda: False,
    prefix: TextPrefix = NO_PREFIX,
    speculator: Speculator | None = None,
) -> Generator[TokenStep, None, FinishReason]:
    """Generate from the tuned distribution softmax(s_M + Σ_i α_i (s_M⁺ᵢ − s_M⁻ᵢ)).

    Args:
        ensemble: The roles of a recipe. Whatever it has read before is forgotten, or, where there
            is a prefix to be kept, used as far as it is the same.
        prompts: The token ids of each evaluation's prompt, the base's first.
        config: Sampling settings and limits; ``max_new_tokens`` counts the prefix.
        detokenizer: Made for the base's tokenizer and prompt.
        eos_ids: Union of the end-of-sequence ids of all roles; any of them ends the text.
        alphas: Read once for each token, so that a change acts on the next one.
        cancelled: Asked before every prefill chunk and every token.
        prefix: What the text begins with: a fork, or a text to be scored.
        speculator: Of this ensemble; it drafts, so that the same text is there sooner.

    Yields:
        A step for each token of the text after what is kept. The stop string is in none, nor is
        the end of sequence, unless it stands inside what is given.

    Returns:
        Why the text ended. A context that is full ends it like ``max_new_tokens`` does.

    Raises:
        PromptError: When a prompt is empty or, with the prefix, fills the context of its model.
        ModelError: When a model computes logits that are not numbers.
    """
    text = TextBuffer(detokenizer, config.stop)
    text.skip(prefix.kept)
    given = len(prefix.kept) + len(prefix.forced)
    reason = FinishReason.LENGTH
    try:
        sampler = TokenSampler(prompts[0], prefix.kept, config, alphas)
        steps = _draw_tokens(
            ensemble, prompts, config, sampler, prefix, eos_ids, cancelled, speculator
        )
        for step in steps:
            if step.token_id in eos_ids and step.index >= given - 1:
                reason = FinishReason.EOS
                break
            yield from text.push(step)
            if text.stopped:
                return FinishReason.STOP
    except Cancelled:
        reason = FinishReason.CANCELLED
    except Exception:
        yield from text.flush()  # nothing that was drawn is lost
        raise
    yield from text.flush()
    return reason


def _draw_tokens(
    ensemble: Ensemble,
    prompts: Sequence[Sequence[int]],
    config: GenerationConfig,
    sampler: TokenSampler,
    prefix: TextPrefix,
    eos_ids: Collection[int],
    cancelled: Callable[[], bool],
    speculator: Speculator | None,
) -> Generator[TokenStep, None, None]:
    """The given tokens and then those that are drawn. Steps have no text yet."""
    if prefix.kept:
        logits = ensemble.resume(prompts, prefix.kept, cancelled)
    else:
        logits = ensemble.prefill(prompts, cancelled)
    limit = _limit(ensemble, config, prefix)
    for start in range(0, len(prefix.forced), SCORING_BLOCK):
        block = prefix.forced[start : start + SCORING_BLOCK]
        if cancelled():
            raise Cancelled
        following = ensemble.extend(block, last=len(block))
        for place, token_id in enumerate(block):
            rows, position = (logits, -1) if place == 0 else (following, place - 1)
            yield sampler.step(rows, position, token_id)
            sampler.append(token_id)
        logits = following
    if speculator is not None:
        yield from speculator.decode(ensemble, sampler, logits, limit, eos_ids, cancelled)
        return
    while sampler.index < limit:
        if cancelled():
            raise Cancelled
        step = sampler.step(logits, -1)
        yield step
        sampler.append(step.token_id)
        if sampler.index < limit:
            logits = ensemble.extend([step.token_id], sampling=sampler.sampling())


def _limit(ensemble: Ensemble, config: GenerationConfig, prefix: TextPrefix) -> int:
    """How many tokens the text may have, the prefix included."""
    kept, forced = len(prefix.kept), len(prefix.forced)
    remaining = ensemble.remaining_context
    if remaining is not None and forced > remaining:
        raise ContextLengthError(
            "The text is longer than the context of the models",
            evidence=f"{kept + forced:,} tokens, {kept + remaining:,} can be read after the prompt",
            next_step="Shorten the text or the prompt.",
        )
    return (
        config.max_new_tokens if remaining is None else min(config.max_new_tokens, kept + remaining)
    )
