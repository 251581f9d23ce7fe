"""Answering scoring and generation requests in batches of similar length."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from app.checkpoints.devices import free_bytes, is_out_of_memory
from app.checkpoints.loading.cache_bytes import cache_bytes, tokens_that_fit
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.memory.heap import forget_frames, release_memory
from app.decoding.batched_ensemble import BatchedEnsemble
from app.evaluation.batch_generation import GeneratedAnswer, GenerationStart, generate_batch
from app.evaluation.encoding import Continuation, Encoder
from app.evaluation.requests import GenerateRequest, Score, ScoreRequest
from app.evaluation.scheduled_alphas import scheduled_alphas
from app.evaluation.scoring import Distribution, score_batch
from app.evaluation.variants import Variant

T = TypeVar("T")
R = TypeVar("R")

_MAX_BATCH = {"cpu": 16}
_MAX_BATCH_GPU = 64
_SHARE_OF_FREE = 0.5
_BATCHES_SORTED_TOGETHER = 8
"""Requests are sorted by length within this many batches, to reduce padding."""


class Evaluator:
    """Answers requests with the models of one recipe.

    Args:
        loaded: The models.
        batch_size: Number of sequences in a batch; None for as many as fit. The automatic size is
            halved when memory runs out.
        cancelled: Called before each prefill chunk and each token.
    """

    def __init__(
        self,
        loaded: LoadedRecipe,
        batch_size: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._loaded = loaded
        self._fixed = batch_size
        self._cancelled = cancelled
        self._most = batch_size or _MAX_BATCH.get(loaded.roles[0].device, _MAX_BATCH_GPU)
        self._cache_bytes = Counter[str]() if batch_size else cache_bytes(loaded)

    def score(
        self, requests: Sequence[ScoreRequest], variants: Sequence[Variant]
    ) -> Iterator[tuple[int, list[Score]]]:
        """Score requests under each of ``variants``; yields the index of a request with its scores.

        Each model reads a sequence once, regardless of the number of variants.

        Raises:
            PromptError: A text cannot be scored.
            ModelError: A model returns logits that are not finite.
            Cancelled: ``cancelled`` returned True.
        """
        contexts = [self._evaluation(variant) for variant in variants]
        if None in contexts:  # a tuned variant needs all model contexts
            distributions: list[Distribution] = [
                self._tuned(variant) if place is None else place
                for variant, place in zip(variants, contexts, strict=True)
            ]
            yield from self._score(requests, None, distributions)
            return
        needed = sorted({place for place in contexts if place is not None})
        found: dict[int, dict[int, Score]] = defaultdict(dict)
        for evaluation in needed:
            for place, scores in self._score(requests, evaluation, [0]):
                found[place][evaluation] = scores[0]
                if len(found[place]) == len(needed):
                    known = found.pop(place)
                    yield place, [known[e] for e in contexts if e is not None]

    def generate(
        self, requests: Sequence[GenerateRequest], variant: Variant
    ) -> Iterator[tuple[int, GeneratedAnswer]]:
        """Generate an answer to each request; yields the index of a request with its answer.

        Raises:
            PromptError: A prompt is empty or does not fit into the context.
            ModelError: A model returns logits that are not finite.
            Cancelled: ``cancelled`` returned True.
        """
        evaluation = self._evaluation(variant)
        encoder, ensemble = self._asked(evaluation)
        distribution: Distribution = self._tuned(variant) if evaluation is None else 0
        starts = []
        for place, request in enumerate(requests):
            prompts, truncated = encoder.prompts(request)
            starts.append((place, GenerationStart(prompts, request.config, truncated)))
        yield from self._in_batches(
            starts,
            lambda start: len(start.prompts[0]) + start.config.max_new_tokens,
            lambda batch: generate_batch(
                ensemble,
                batch,
                distribution,
                self._loaded.detokenizer,
                self._loaded.eos_ids,
                self._cancelled,
            ),
        )

    def _tuned(self, variant: Variant) -> Distribution:
        """The distribution of a tuned variant."""
        if variant.policy.is_constant or not variant.alphas:
            return variant.alphas
        return scheduled_alphas(self._loaded, variant.alphas, variant.policy)

    def _evaluation(self, variant: Variant) -> int | None:
        return (
            None if variant.role_index is None else self._loaded.context_index(variant.role_index)
        )

    def _asked(self, evaluation: int | None) -> tuple[Encoder, BatchedEnsemble]:
        whole = self._loaded.ensemble
        ensemble = BatchedEnsemble(whole if evaluation is None else whole.only(evaluation))
        return Encoder(self._loaded, evaluation), ensemble

    def _score(
        self,
        requests: Sequence[ScoreRequest],
        evaluation: int | None,
        distributions: Sequence[Distribution],
    ) -> Iterator[tuple[int, list[Score]]]:
        """Score requests; the scores of a request's continuations are added up."""
        encoder, ensemble = self._asked(evaluation)
        parts = [
            (place, part)
            for place, request in enumerate(requests)
            for part in encoder.continuations(request)
        ]
        left = Counter(place for place, _ in parts)
        sums: dict[int, list[Score]] = {}

        def run(batch: Sequence[Continuation]) -> Iterator[tuple[int, list[Score]]]:
            scored = score_batch(ensemble, batch, distributions, self._cancelled)
            yield from enumerate(list(of_text) for of_text in zip(*scored, strict=True))

        def length(part: Continuation) -> int:
            return max(map(len, part.prompts)) + len(part.tokens)

        for place, scores in self._in_batches(parts, length, run):
            known = sums.get(place)
            sums[place] = scores if known is None else list(map(_add, known, scores))
            left[place] -= 1
            if not left[place]:
                yield place, sums.pop(place)

    def _in_batches(
        self,
        items: Sequence[tuple[int, T]],
        length: Callable[[T], int],
        run: Callable[[Sequence[T]], Iterator[tuple[int, R]]],
    ) -> Iterator[tuple[int, R]]:
        waiting = list(items)
        while waiting:
            pool = sorted(
                waiting[: _BATCHES_SORTED_TOGETHER * self._most], key=lambda item: -length(item[1])
            )
            waiting = waiting[_BATCHES_SORTED_TOGETHER * self._most :]
            while pool:
                batch = pool[: self._fitting(length(pool[0][1]))]
                left = dict(enumerate(batch))
                full = False
                try:
                    for row, answer in run([item for _, item in batch]):
                        yield left.pop(row)[0], answer
                except Exception as error:
                    if self._fixed or len(batch) == 1 or not is_out_of_memory(error):
                        raise
                    forget_frames(error)
                    full = True
                pool[: len(batch)] = left.values()
                if full:
                    release_memory()
                    self._most = max(1, len(batch) // 2)

    def _fitting(self, tokens: int) -> int:
        """The number of sequences of ``tokens`` tokens that fit into a batch."""
        if self._fixed:
            return self._fixed
        room = tokens_that_fit(self._cache_bytes, free_bytes, _SHARE_OF_FREE)
        return max(1, int(min(self._most, room / max(1, tokens))))


def _add(one: Score, other: Score) -> Score:
    return Score(
        one.logprob + other.logprob,
        one.greedy and other.greedy,
        one.tokens + other.tokens,
        one.truncated or other.truncated,
        None if one.covered is None or other.covered is None else one.covered + other.covered,
    )
