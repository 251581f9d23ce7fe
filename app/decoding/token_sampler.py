"""The text so far, and how its next token is sampled from logits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from app.decoding.ensemble import EnsembleLogits
from app.decoding.fused_step import SamplingInputs
from app.decoding.logit_checks import require_sampleable
from app.decoding.sampling import Distribution, process_logits
from app.decoding.tuned_logits import Row, tuned_logits
from app.decoding.types import GenerationConfig, TokenStep


class TokenSampler:
    """Draws tokens one after another, and guesses what will be sampled at a drafted beginning.

    A draft has the processors, the history and the noise that the draw at its position will have.

    Args:
        prompt: Ids of the base's prompt; with the text they are the history of the processors.
        kept: Ids of the text that are out already.
        config: The settings in force.
        alphas: Read once for each token.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        kept: Sequence[int],
        config: GenerationConfig,
        alphas: Callable[[], tuple[float, ...]],
    ) -> None:
        self.index = len(kept)
        self.ids = [*prompt, *kept]
        self._config = config
        self._alphas = alphas
        self._last_alphas: tuple[float, ...] | None = None
        self._history = np.array(self.ids, dtype=np.int64)

    def append(self, token_id: int) -> None:
        """The text goes on with ``token_id``."""
        place = len(self.ids)
        self._write(place, token_id)
        self.ids.append(token_id)
        self.index += 1

    def step(self, logits: EnsembleLogits, place: int, given: int | None = None) -> TokenStep:
        """Draw the next token from one place of ``logits``, or say how probable a given one was.

        The step has no text yet; the token is not appended.
        """
        alphas = self._last_alphas = self._alphas()
        rows = logits.on_host(place)
        sampled = logits.sampled[place] if logits.sampled and given is None else None
        foreseen = sampled and (sampled.index, sampled.alphas) == (self.index, alphas)
        if sampled and foreseen and math.isfinite(sampled.probability):
            token_id = sampled.token_id
            probability = 1.0 if self._config.greedy else sampled.probability
        else:
            row = tuned_logits(rows, alphas)
            if given is None:
                require_sampleable(row, rows, alphas)
            tuned = self._distribution(row, len(self.ids))
            if given is None:
                token_id, probability = tuned.sample(self._config.seed, self.index)
            else:
                token_id, probability = given, tuned.probability(given)
        return TokenStep(
            index=self.index,
            token_id=token_id,
            text="",
            start=0,
            alphas=alphas,
            logits=rows,
            sampled_probability=probability,
            forced=given is not None,
        )

    def sample_draft(self, row: Tensor, drafted: Sequence[int] = ()) -> tuple[int, float]:
        """What would be sampled after ``drafted`` if ``row``, [V], were the tuned logits.

        Returns:
            The token and how sure the row is of it: its probability after the processors, or, where
            the most probable one is always sampled, before them.
        """
        for place, token_id in enumerate(drafted, len(self.ids)):
            self._write(place, token_id)
        length = len(self.ids) + len(drafted)
        found = self._distribution(row.cpu().numpy(), length)
        token_id, probability = found.sample(self._config.seed, self.index + len(drafted))
        return token_id, found.softmax_probability(token_id) if self._config.greedy else probability

    def sampling(self, drafted: Sequence[int] = (), count: int = 1) -> SamplingInputs | None:
        """What will be sampled after the text and all but the last ``count − 1`` of ``drafted``.

        It is with the weights of the last token, which may have changed by then; None before there
        is one.
        """
        if self._last_alphas is None:
            return None
        for place, token_id in enumerate(drafted, len(self.ids)):
            self._write(place, token_id)
        before = len(drafted) - count + 1
        return SamplingInputs(
            index=self.index + before,
            config=self._config,
            alphas=self._last_alphas,
            history=self._history[: len(self.ids) + before],
        )

    def _write(self, place: int, token_id: int) -> None:
        if place == len(self._history):
            self._history = np.concatenate([self._history, np.zeros_like(self._history)])
        self._history[place] = token_id

    def _distribution(self, tuned: Row, length: int) -> Distribution:
        return process_logits(tuned, self._history[:length], self._config)
