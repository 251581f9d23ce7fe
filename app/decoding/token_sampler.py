"""Samples the tokens of one run, and keeps the token ids that the processors need."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from app.decoding.ensemble import EnsembleLogits
from app.decoding.logit_checks import require_sampleable
from app.decoding.sampling import Distribution, process_logits
from app.decoding.sampling_inputs import SamplingInputs
from app.decoding.tuned_logits import Row, tuned_logits
from app.decoding.types import GenerationConfig, TokenStep


class TokenSampler:
    """Samples the tokens of one run, and the drafts of other models for the same run.

    A draft is sampled with the processors, the token history and the noise of its position, so that
    it equals the tuned token whenever both distributions rank the same token first after the noise.

    Args:
        prompt: Token ids of the base's prompt; with the tokens they are the processors' history.
        kept: Token ids of the run's prefix for which no step is given.
        config: The sampling settings.
        alphas: Called once for each token.

    Attributes:
        index: Number of tokens so far, which is the index of the next token.
        ids: Token ids of the prompt and of the run so far.
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
        """Append ``token_id`` to the run."""
        place = len(self.ids)
        self._write(place, token_id)
        self.ids.append(token_id)
        self.index += 1

    def step(self, logits: EnsembleLogits, place: int, given: int | None = None) -> TokenStep:
        """Sample the next token, or evaluate the probability of a given one.

        Args:
            logits: Rows of all roles at one or more positions.
            place: The position to sample from.
            given: A token id that is not sampled but given, as in a scored text.

        Returns:
            The step without its text. The token is not appended.

        Raises:
            ModelError: The tuned logits have no finite maximum.
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
        """Sample a draft from ``row``, [V], the drafter's logits at the position after ``drafted``.

        Returns:
            The token id and the drafter's confidence: its probability after the processors, or
            before them with greedy sampling, where the probability after them is 1.
        """
        for place, token_id in enumerate(drafted, len(self.ids)):
            self._write(place, token_id)
        length = len(self.ids) + len(drafted)
        found = self._distribution(row.cpu().numpy(), length)
        token_id, probability = found.sample(self._config.seed, self.index + len(drafted))
        return token_id, found.softmax_probability(token_id) if self._config.greedy else probability

    def sampling(self, drafted: Sequence[int] = (), count: int = 1) -> SamplingInputs | None:
        """The inputs for sampling on the device, where a forward pass ends with sampling.

        Sampling begins after all but the last ``count − 1`` tokens of ``drafted``. It assumes the
        alphas of the last token; a token whose alphas have changed is sampled again on the host.

        Returns:
            None before the first token, whose alphas are not known yet.
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
