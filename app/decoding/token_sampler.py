"""Samples the tokens of one run, and keeps the token ids that the processors need."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from app.decoding.alpha_schedule import Alphas, AlphaSchedule
from app.decoding.coverage import Coverage
from app.decoding.ensemble import EnsembleLogits
from app.decoding.logit_checks import require_sampleable
from app.decoding.row_reduction import RowReducer
from app.decoding.sampling import Distribution, process_logits
from app.decoding.sampling_inputs import SampledToken, SamplingInputs
from app.decoding.token_mask import TokenMask
from app.decoding.tuned_logits import Row, combine
from app.decoding.types import GenerationConfig, TokenStep
from app.errors import StructureError


class TokenSampler:
    """Samples the tokens of one run, and the drafts of other models for the same run.

    A draft is sampled with the processors, the token history and the noise of its position, so that
    it equals the tuned token whenever both distributions rank the same token first after the noise.

    Args:
        prompt: Token ids of the base's prompt; with the tokens they are the processors' history.
        kept: Token ids of the run's prefix for which no step is given.
        config: The sampling settings.
        alphas: Called once for each token.
        reducer: Reduces rows on their device; without it, rows are copied to the host.
        echoed: How many of the tokens after ``prompt`` belong to the prompt, too.
        mask: The tokens that the structure in ``config`` allows; None without a structure.
        schedule: Scales the alphas at each token; None where they are used as they are.

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
        reducer: RowReducer | None = None,
        echoed: int = 0,
        mask: TokenMask | None = None,
        schedule: AlphaSchedule | None = None,
    ) -> None:
        assert (mask is not None) == config.structured
        self.index = len(kept)
        self.ids = [*prompt, *kept]
        self._prompt_length = len(prompt) + echoed
        self._mask = mask
        self._config = config
        self._alphas = alphas
        self._reducer = reducer
        self._keep_rows = reducer is None or reducer.keep_rows
        self._attributed = reducer is not None
        self._last_alphas: tuple[float, ...] | None = None
        self._history = np.array(self.ids, dtype=np.int64)
        self._schedule = schedule
        if schedule is not None:
            for token_id in kept:
                schedule.push(token_id)

    def append(self, token_id: int) -> None:
        """Append ``token_id`` to the run."""
        place = len(self.ids)
        self._write(place, token_id)
        if self._schedule is not None and place >= self._prompt_length:
            self._schedule.push(token_id)
        self.ids.append(token_id)
        self.index += 1

    def step(
        self,
        logits: EnsembleLogits,
        place: int,
        given: int | None = None,
        coverage: Coverage | None = None,
    ) -> TokenStep:
        """Sample the next token, or evaluate the probability of a given one.

        Args:
            logits: Rows of all roles at one or more positions.
            place: The position to sample from.
            given: A token id that is not sampled but given, as in a scored text.
            coverage: That of the rows, see :attr:`TokenStep.coverage`.

        Returns:
            The step without its text. The token is not appended.

        Raises:
            ModelError: The tuned logits have no finite maximum.
        """
        alphas = self._last_alphas = self._scaled_alphas(logits, place)
        foreseen = self._foreseen(logits, place, alphas) if given is None else None
        reducer, reduced = self._reducer, None
        if reducer is not None:
            if foreseen and foreseen.packed is not None:
                reduced = reducer.reduction.unpack(foreseen.packed)
            if reduced is not None or not reducer.applies_to(logits.rows):
                reducer = None
        rows = combined = None
        if self._keep_rows or (reducer is None and reduced is None):
            rows = logits.on_host(place, copied=self._keep_rows)
        if foreseen:
            token_id = foreseen.token_id
            probability = 1.0 if self._config.greedy else foreseen.probability
        else:
            if reducer is None:
                combined = combine(rows or logits.on_host(place, copied=False), alphas)
                tuned = combined.tuned
            else:
                tuned = reducer.tuned(logits.rows[:, place], alphas)
            if given is None:
                require_sampleable(tuned, lambda: logits.on_host(place), alphas)
            token_id, probability = self._sample(tuned, given)
        if reducer is not None:
            reduced = reducer.reduce(logits.rows[:, place], alphas, token_id)
        return TokenStep(
            index=self.index,
            token_id=token_id,
            text="",
            start=0,
            alphas=alphas,
            logits=rows,
            sampled_probability=probability,
            forced=given is not None,
            reduced=reduced,
            combined=combined if self._attributed else None,
            coverage=coverage,
            skipped=logits.skipped,
        )

    def needs_pairs(self, base: Callable[[], Row]) -> bool:
        """Whether the next token depends on the pairs, which have not read the last one yet.

        Args:
            base: Returns the base's row of the position; called only if the policy of alpha goes
                by it.
        """
        assert self._schedule is not None
        place = len(self.ids) - self._prompt_length
        if self._schedule.policy.by_place:
            return self._schedule.known_factor(place) != 0.0
        return self._schedule.factor(place, base()) != 0.0

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
            None before the first token, whose alphas are not known yet, and with processors that
            the device does not have.
        """
        if self._last_alphas is None or self._config.on_host_only:
            return None
        for place, token_id in enumerate(drafted, len(self.ids)):
            self._write(place, token_id)
        before = len(drafted) - count + 1
        return SamplingInputs(
            index=self.index + before,
            config=self._config,
            alphas=self._last_alphas,
            history=self._history[: len(self.ids) + before],
            reduction=None if self._reducer is None else self._reducer.reduction,
        )

    def _scaled_alphas(self, logits: EnsembleLogits, place: int) -> Alphas:
        """The alphas of the next token: read once, and scaled by the policy."""
        alphas = self._alphas()
        if self._schedule is None:
            return alphas
        index = len(self.ids) - self._prompt_length
        return self._schedule.scaled(alphas, index, lambda: logits.on_host(place, copied=False))

    def _foreseen(
        self, logits: EnsembleLogits, place: int, alphas: tuple[float, ...]
    ) -> SampledToken | None:
        """The token that the step of ``logits`` sampled, if it sampled with these alphas."""
        if not logits.sampled:
            return None
        sampled = logits.sampled[place]
        foreseen = (sampled.index, sampled.alphas) == (self.index, alphas)
        return sampled if foreseen and math.isfinite(sampled.probability) else None

    def _sample(self, tuned: Row, given: int | None) -> tuple[int, float]:
        """A token sampled from a tuned row, or the given one, with its probability."""
        if given is not None:
            return given, self._probability(tuned, given)
        return self._distribution(tuned, len(self.ids)).sample(self._config.seed, self.index)

    def _probability(self, tuned: Row, given: int) -> float:
        """The probability with which a given token would have been sampled."""
        try:
            return self._distribution(tuned, len(self.ids)).probability(given)
        except StructureError:  # the tokens before it do not have the structure
            return 0.0

    def _write(self, place: int, token_id: int) -> None:
        if place == len(self._history):
            self._history = np.concatenate([self._history, np.zeros_like(self._history)])
        self._history[place] = token_id

    def _distribution(self, tuned: Row, length: int) -> Distribution:
        history = self._history[:length]
        allowed = None
        if self._mask is not None and length >= self._prompt_length:
            allowed = self._mask.allowed(history[self._prompt_length :].tolist())
        return process_logits(tuned, history, self._config, self._prompt_length, allowed)
