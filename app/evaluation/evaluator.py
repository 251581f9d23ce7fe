"""Answers to many requests: in batches of texts of similar length, one load for every role."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch
from transformers import PreTrainedModel

from app.checkpoints.devices import free_bytes, is_out_of_memory
from app.checkpoints.loading.loader import LoadedRecipe
from app.checkpoints.memory.footprint import measure_footprint
from app.checkpoints.memory.heap import forget_frames, release_memory
from app.decoding.language_model import TransformersLanguageModel
from app.evaluation.batch_generation import Generated, Start, generate_batch
from app.evaluation.batched import BatchedEnsemble
from app.evaluation.encoding import Continuation, Encoder
from app.evaluation.requests import GenerateRequest, Score, ScoreRequest
from app.evaluation.scoring import Mix, score_batch
from app.evaluation.variants import View

T = TypeVar("T")
R = TypeVar("R")

_LARGEST = {"cpu": 16}
_LARGEST_ELSEWHERE = 64
_SHARE_OF_FREE = 0.5
_POOL = 8
"""Texts are sorted by length within so many batches, so that few of them have to be padded."""


class Evaluator:
    """Answers requests with the models of one recipe.

    Args:
        loaded: The models.
        batch_size: How many texts are read side by side; None is as many as fit, which is made
            smaller whenever memory runs out.
        cancelled: Asked before every chunk of a prompt and every token.
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
        device = loaded.roles[0].device
        self._most = batch_size or _LARGEST.get(device, _LARGEST_ELSEWHERE)
        self._device = device
        self._cache_bytes = 0 if batch_size else _cache_bytes(loaded)

    def score(
        self, requests: Sequence[ScoreRequest], views: Sequence[View]
    ) -> Iterator[tuple[int, list[Score]]]:
        """The scores under each of ``views``, by the place of the request, as they are known.

        Every role is evaluated once, however many views there are.

        Raises:
            PromptError: A text cannot be scored.
            ModelError: A model computes logits that are not numbers.
            Cancelled: When ``cancelled`` says so.
        """
        evaluations = [self._evaluation(view) for view in views]
        if None in evaluations:  # a tuned one needs all of them
            mixes: list[Mix] = [
                view.alphas if place is None else place
                for view, place in zip(views, evaluations, strict=True)
            ]
            yield from self._score(requests, None, mixes)
            return
        needed = sorted({place for place in evaluations if place is not None})
        found: dict[int, dict[int, Score]] = defaultdict(dict)
        for evaluation in needed:
            for place, scores in self._score(requests, evaluation, [0]):
                found[place][evaluation] = scores[0]
                if len(found[place]) == len(needed):
                    known = found.pop(place)
                    yield place, [known[e] for e in evaluations if e is not None]

    def generate(
        self, requests: Sequence[GenerateRequest], view: View
    ) -> Iterator[tuple[int, Generated]]:
        """The texts that ``view`` generates, by the place of the request, as they are done.

        Raises:
            PromptError: A prompt is empty or leaves no room.
            ModelError: A model computes logits that are not numbers.
            Cancelled: When ``cancelled`` says so.
        """
        evaluation = self._evaluation(view)
        encoder, ensemble = self._asked(evaluation)
        mix: Mix = view.alphas if evaluation is None else 0
        starts = []
        for place, request in enumerate(requests):
            prompts, cut = encoder.prompts(request)
            starts.append((place, Start(prompts, request.config, cut)))
        yield from self._in_batches(
            starts,
            lambda start: len(start.prompts[0]) + start.config.max_new_tokens,
            lambda batch: generate_batch(
                ensemble,
                batch,
                mix,
                self._loaded.detokenizer,
                self._loaded.eos_ids,
                self._cancelled,
            ),
        )

    def _evaluation(self, view: View) -> int | None:
        return None if view.place is None else self._loaded.context_index(view.place)

    def _asked(self, evaluation: int | None) -> tuple[Encoder, BatchedEnsemble]:
        whole = self._loaded.ensemble
        ensemble = BatchedEnsemble(whole if evaluation is None else whole.only(evaluation))
        return Encoder(self._loaded, evaluation), ensemble

    def _score(
        self, requests: Sequence[ScoreRequest], evaluation: int | None, mixes: Sequence[Mix]
    ) -> Iterator[tuple[int, list[Score]]]:
        """Scores of whole requests, whose parts are scored by themselves."""
        encoder, ensemble = self._asked(evaluation)
        parts = [
            (place, part)
            for place, request in enumerate(requests)
            for part in encoder.continuations(request)
        ]
        left = Counter(place for place, _ in parts)
        sums: dict[int, list[Score]] = {}

        def run(batch: Sequence[Continuation]) -> Iterator[tuple[int, list[Score]]]:
            scored = score_batch(ensemble, batch, mixes, self._cancelled)
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
            pool = sorted(waiting[: _POOL * self._most], key=lambda item: -length(item[1]))
            waiting = waiting[_POOL * self._most :]
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
        """How many texts of so many tokens may be read side by side."""
        if self._fixed:
            return self._fixed
        room = free_bytes(self._device) * _SHARE_OF_FREE
        return max(1, min(self._most, int(room / max(1, self._cache_bytes * tokens))))


def _add(one: Score, other: Score) -> Score:
    return Score(
        one.logprob + other.logprob,
        one.greedy and other.greedy,
        one.tokens + other.tokens,
        one.cut or other.cut,
    )


def _cache_bytes(loaded: LoadedRecipe) -> int:
    """Bytes that the KV caches of all roles take for each token of a text."""
    return sum(
        measure_footprint(model.model.config).cache * _element(model.model)
        for model in loaded.ensemble.models
        if isinstance(model, TransformersLanguageModel)
    )


def _element(model: PreTrainedModel) -> int:
    """Bytes of an element of the KV cache; packed models compute in float32."""
    return 4 if model.device.type == "cpu" else torch.finfo(model.dtype).bits // 8
