"""The decoding loop, as a generator: prompts in, token steps out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass

from app.decoding.alpha_schedule import AlphaSchedule
from app.decoding.bridge.refinement import refine
from app.decoding.detokenizer import Detokenizer, TextBuffer, with_text
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.pair_skipping import PairSkipping
from app.decoding.row_reduction import RowReducer
from app.decoding.speculative import Speculator
from app.decoding.token_mask import TokenMask
from app.decoding.token_sampler import TokenSampler
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from app.errors import Cancelled, ContextLengthError

SCORING_BLOCK = 32
"""Given tokens are read in blocks of this size, since the rows of a whole block are in memory."""


@dataclass(frozen=True, slots=True)
class TextPrefix:
    """The tokens that a run begins with and that are not sampled.

    Attributes:
        kept: Token ids that were output before, as in a fork. No steps are yielded for them, and
            they are read only if the KV caches do not hold them.
        forced: Token ids after these that are given. Their steps have the probabilities and rows
            that the models assign to them.
        echoed: How many of the given tokens, from the first, are the end of the prompt.
    """

    kept: tuple[int, ...] = ()
    forced: tuple[int, ...] = ()
    echoed: int = 0


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
    fresh: bool = False,
    reducer: RowReducer | None = None,
    mask: TokenMask | None = None,
    schedule: AlphaSchedule | None = None,
    skipping: PairSkipping | None = None,
) -> Generator[TokenStep, None, FinishReason]:
    """Generate from the tuned distribution softmax(s_M + Σ_i α_i (s_M⁺ᵢ − s_M⁻ᵢ)).

    Args:
        ensemble: The roles of a recipe. What they have read before is reused as far as it agrees
            with the prompts and the kept prefix.
        prompts: The token ids of each model context's prompt, the base's first.
        config: Sampling settings and limits; ``max_new_tokens`` counts the prefix.
        detokenizer: A detokenizer of the base's tokenizer after the base's prompt.
        eos_ids: Union of the end-of-sequence ids of all roles; any of them ends the text.
        alphas: Called once for each token, so that a change takes effect at the next token.
        cancelled: Called before every prefill chunk and every token.
        prefix: The tokens to begin with: of a fork, or of a text to be scored.
        speculator: Decodes speculatively, with the same text; made for this ensemble.
        fresh: Read the prompts and the prefix anew, so that logits are rounded as they were before.
        reducer: Reduces rows on the device where they are; made for this ensemble. Without it, all
            rows are copied to the host.
        mask: The tokens that the structure in ``config`` allows.
        schedule: Scales the alphas at each token; None where they are used as they are.
        skipping: Lets the pairs read sampled tokens only where ``schedule`` needs them, without
            drafts; made for this ensemble.

    Yields:
        A step for each token after the kept ones. No step is yielded for a stop string, nor for an
        end-of-sequence token unless it is inside the given tokens.

    Returns:
        The finish reason.

    Raises:
        PromptError: A prompt is empty or, with the prefix, fills the context of its model.
        ModelError: A model computes logits that are not numbers.
    """
    text = TextBuffer(detokenizer, config.stop)
    text.skip(prefix.kept)
    given = len(prefix.kept) + len(prefix.forced)

    sampler = TokenSampler(
        prompts[0], prefix.kept, config, alphas, reducer, prefix.echoed, mask, schedule
    )

    def steps() -> Iterator[TokenStep | None]:
        sample = _sampling(ensemble, sampler, eos_ids, cancelled, speculator, skipping)
        found = _token_steps(ensemble, prompts, config, sampler, prefix, sample, cancelled, fresh)
        for step in found:
            yield None if step.token_id in eos_ids and step.index >= given - 1 else step

    reason = yield from with_text(steps(), text)
    if reason is FinishReason.LENGTH and sampler.index < config.max_new_tokens:
        return FinishReason.CONTEXT
    return reason


def _token_steps(
    ensemble: Ensemble,
    prompts: Sequence[Sequence[int]],
    config: GenerationConfig,
    sampler: TokenSampler,
    prefix: TextPrefix,
    sample: Callable[[EnsembleLogits, int], Iterator[TokenStep]],
    cancelled: Callable[[], bool],
    fresh: bool,
) -> Generator[TokenStep, None, None]:
    """Steps of the given tokens, then of sampled tokens; without text."""
    logits = ensemble.resume(prompts, prefix.kept, cancelled, fresh=fresh)
    limit = _limit(ensemble, config, prefix)
    for start in range(0, len(prefix.forced), SCORING_BLOCK):
        block = prefix.forced[start : start + SCORING_BLOCK]
        if cancelled():
            raise Cancelled
        following = ensemble.extend(block, last=len(block))
        for place, token_id in enumerate(block):
            rows, position = (logits, -1) if place == 0 else (following, place - 1)
            coverage = refine(ensemble, rows, position, sampler.index, token_id)
            yield sampler.step(rows, position, token_id, coverage)
            sampler.append(token_id)
        logits = following
    yield from sample(logits, limit)


def _sampling(
    ensemble: Ensemble,
    sampler: TokenSampler,
    eos_ids: Collection[int],
    cancelled: Callable[[], bool],
    speculator: Speculator | None,
    skipping: PairSkipping | None,
) -> Callable[[EnsembleLogits, int], Iterator[TokenStep]]:
    """How tokens are sampled, from the logits of the first one up to a number of tokens."""
    if skipping is not None:
        return lambda logits, limit: skipping.steps(sampler, logits, limit, cancelled)
    if speculator is not None:
        return lambda logits, limit: speculator.decode(
            ensemble, sampler, logits, limit, eos_ids, cancelled
        )
    return lambda logits, limit: plain_steps(ensemble, sampler, logits, limit, cancelled)


def plain_steps(
    ensemble: Ensemble,
    sampler: TokenSampler,
    logits: EnsembleLogits,
    limit: int,
    cancelled: Callable[[], bool],
) -> Generator[TokenStep, None, None]:
    """Sample tokens until the run has ``limit`` tokens, with a step of the models for each.

    Args:
        ensemble: The roles; their KV caches hold the prompts and the tokens so far.
        sampler: Samples tokens and holds the token ids so far.
        logits: Their last position is that of the next token.
        limit: Maximum number of tokens of the run, the prefix included.
        cancelled: Called before every token.

    Yields:
        One step for each token, without its text. Its token is appended after it was yielded.

    Raises:
        Cancelled: When ``cancelled`` says so.
    """
    while sampler.index < limit:
        if cancelled():
            raise Cancelled
        coverage = refine(ensemble, logits, -1, sampler.index)
        step = sampler.step(logits, -1, coverage=coverage)
        yield step
        sampler.append(step.token_id)
        if sampler.index < limit:
            logits = ensemble.extend([step.token_id], sampling=sampler.sampling())


def _limit(ensemble: Ensemble, config: GenerationConfig, prefix: TextPrefix) -> int:
    """The maximum number of tokens of the run, the prefix included."""
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
