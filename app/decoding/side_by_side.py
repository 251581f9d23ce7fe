"""Decoding of several texts side by side, which come and go while others are decoded.

A text alone is decoded as :mod:`app.decoding.decode` does, with drafts and captured steps. Beside
others it is a row of a batch. It goes from one to the other with copies of its caches.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.decoding.batch_loop import BatchLoop
from app.decoding.batched_ensemble import OpenBatchedEnsemble
from app.decoding.bridge.refinement import refine
from app.decoding.coverage import Coverage
from app.decoding.decode import plain_steps
from app.decoding.decoded_text import DecodedText
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.prefix_cache import SHORTEST
from app.decoding.speculative import Speculator
from app.decoding.types import FinishReason, TokenStep
from app.errors import Cancelled, kind_and_places

log = logging.getLogger(__name__)

_STEPS_BEFORE_ALONE = 4
"""Steps of a batch of one text before it is decoded alone: others often follow at once."""


@dataclass(slots=True)
class _Alone:
    """A text in the KV caches of the ensemble.

    Attributes:
        steps: Its next steps. The token of a step is appended when the next one is asked for.
        last: The token of the last step, or None before the first.
    """

    text: DecodedText
    steps: Iterator[TokenStep]
    last: int | None = None


class SideBySide:
    """Decodes texts of one ensemble side by side, fairly: in a step each gets one token.

    A long prompt of a new text is read in chunks, between which the others go on. An error that
    concerns one text ends that text only. Texts beside others for which memory runs out do not end:
    they are displaced, and may be added again.

    Args:
        ensemble: The models; not behind an endpoint. Its KV caches are used for prompts and for a
            text alone.
        speculator: Decodes a text alone speculatively; made for this ensemble.
        is_out_of_memory: Whether an error means that memory ran out.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        speculator: Speculator | None = None,
        is_out_of_memory: Callable[[BaseException], bool] = lambda error: False,
    ) -> None:
        self._ensemble = ensemble
        self._speculator = speculator
        self._is_out_of_memory = is_out_of_memory
        self._displaced: list[DecodedText] = []
        self._batch = OpenBatchedEnsemble(ensemble)
        self._loop = BatchLoop[DecodedText](self._batch, self._sample)
        self._alone: _Alone | None = None
        self._steps_of_one = 0

    @property
    def texts(self) -> Sequence[DecodedText]:
        """The texts that are being decoded."""
        return [self._alone.text] if self._alone else self._loop.texts

    def take_displaced(self) -> list[DecodedText]:
        """The texts that were displaced for lack of memory since the last call."""
        displaced, self._displaced = self._displaced, []
        return displaced

    def add(self, text: DecodedText) -> None:
        """Read the prompt of a text and begin to decode it, or go on with a suspended text.

        If it fails or is cancelled, the text says so, and the others go on.
        """
        self.park()
        with _ending(text), self._displacing(text):
            logits = self._read(text)
            ensemble = self._ensemble
            if self._loop.texts:
                self._take(text, logits, -1, refine(ensemble, logits, -1, text.sampler.index))
                self._join(text)
            else:
                self._alone = _Alone(text, self._steps_alone(text, logits))

    def step(self) -> None:
        """Decode the next token of every text."""
        if self._alone is not None:
            self._step_alone(self._alone)
            return
        self._step_batch()
        self._steps_of_one = self._steps_of_one + 1 if len(self._loop.texts) == 1 else 0
        if self._steps_of_one > _STEPS_BEFORE_ALONE:
            self._leave_batch(self._loop.texts[0])

    def suspend(self, text: DecodedText) -> None:
        """Free the caches of a text of the batch, which may be added again later."""
        self._loop.remove([text])

    def park(self) -> None:
        """Leave the KV caches of the ensemble to others: a text alone becomes a batch."""
        alone = self._alone
        if alone is None:
            return
        if alone.last is None:  # its first token has been computed
            self._step_alone(alone)
        if self._alone is None:
            return
        self._alone = None
        text, sampler = alone.text, alone.text.sampler
        with _ending(text), self._displacing(text, beside_others=True):
            assert alone.last is not None
            sampler.append(alone.last)
            self._ensemble.rewind(sampler.index - 1)  # removes drafts
            self._join(text)

    @contextmanager
    def _displacing(self, text: DecodedText, *, beside_others: bool = False) -> Iterator[None]:
        """Displace a text if memory runs out in the block because there are others."""
        try:
            yield
        except Exception as error:
            others = beside_others or self._loop.texts
            if not others or text.ended or not self._is_out_of_memory(error):
                raise
            self._displaced.append(text)

    def _read(self, text: DecodedText) -> EnsembleLogits:
        """Read the prompt; if it is long, the batch goes on between its chunks."""
        ensemble = self._ensemble
        chunks = itertools.count(1)

        def cancelled() -> bool:
            if next(chunks) > len(ensemble.contexts):
                self._step_batch()
            return text.cancelled()

        read = text.tokens
        logits = ensemble.resume(text.prompts, read, cancelled, fresh=text.fresh)
        if not read:
            cached = min(ensemble.reused[0], len(text.prompts[0]))
            text.begin(cached, ensemble.remaining_context)
        return logits

    def _steps_alone(self, text: DecodedText, logits: EnsembleLogits) -> Iterator[TokenStep]:
        ensemble, sampler = self._ensemble, text.sampler
        limit, cancelled = text.limit, text.cancelled
        if self._speculator is None:
            return plain_steps(ensemble, sampler, logits, limit, cancelled)
        return self._speculator.decode(ensemble, sampler, logits, limit, text.eos_ids, cancelled)

    def _step_alone(self, alone: _Alone) -> None:
        text = alone.text
        with _ending(text):
            step = next(alone.steps)
            alone.last = step.token_id
            text.take(step)
        if text.ended:
            self._alone = None

    def _step_batch(self) -> None:
        """Decode the next token of every text of the batch. Raises no error."""
        cancelled = [text for text in self._loop.texts if text.cancelled()]
        for text in cancelled:
            text.end(FinishReason.CANCELLED)
            self._keep(text)
        self._loop.remove(cancelled)
        if not self._loop.texts:
            return
        try:
            self._loop.step()
        except Exception as error:  # the KV caches may have been extended in some layers only
            texts = [text for text in self._loop.texts if not text.ended]
            self._loop.remove(self._loop.texts)
            if len(texts) > 1 and self._is_out_of_memory(error):
                self._displaced += texts
                return
            for text in texts:
                text.fail(error)

    def _sample(self, logits: EnsembleLogits, texts: Sequence[DecodedText]) -> None:
        unusable = self._batch.unusable(logits)
        for place, text in enumerate(texts):
            with _ending(text):
                if place in unusable:
                    raise unusable[place]
                self._take(text, logits, place, self._batch.refine_at(place, logits))
            if text.finish_reason is not None:
                self._keep(text)

    def _take(
        self, text: DecodedText, logits: EnsembleLogits, place: int, coverage: Coverage | None
    ) -> None:
        """Sample the next token of a text of the batch."""
        step = text.sampler.step(logits, place, coverage=coverage)
        text.sampler.append(step.token_id)
        text.take(step)

    def _join(self, text: DecodedText) -> None:
        if not text.ended:
            self._batch.join()
            self._loop.add(text)
            self._steps_of_one = 0

    def _leave_batch(self, text: DecodedText) -> None:
        """Decode the only text of the batch alone."""
        ensemble, read = self._ensemble, text.tokens
        with _ending(text), self._displacing(text, beside_others=True):
            states = self._batch.states(0)
            for context, prompt, state in zip(ensemble.contexts, text.prompts, states, strict=True):
                if state is not None:
                    context.hold([*prompt, *read[:-1]], state, ensemble.prefixes)
            logits = ensemble.resume(text.prompts, read, text.cancelled)
            self._alone = _Alone(text, self._steps_alone(text, logits))
        self._loop.remove([text])

    def _keep(self, text: DecodedText) -> None:
        """Keep what was read of a text that leaves the batch, for texts that begin with it."""
        prefixes = self._ensemble.prefixes
        read = text.tokens[:-1]
        if not prefixes.limit or max(map(len, text.prompts)) + len(read) < SHORTEST:
            return
        try:
            states = self._batch.states(self._loop.texts.index(text))
        except (MemoryError, RuntimeError) as error:  # what is not kept is read again
            log.warning("a text cannot be kept for later requests\n%s", kind_and_places(error))
            return
        contexts = self._ensemble.contexts
        for context, prompt, state in zip(contexts, text.prompts, states, strict=True):
            if state is not None:
                prefixes.keep(context, [*prompt, *read], state)


@contextmanager
def _ending(text: DecodedText) -> Iterator[None]:
    """Errors in the block, and cancellation, end the text and are not raised."""
    try:
        yield
    except Cancelled:
        text.end(FinishReason.CANCELLED)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # libraries in Rust panic with one that is no Exception
        text.fail(error)
