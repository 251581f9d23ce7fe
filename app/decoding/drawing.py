"""The text so far, and how its next token is drawn from logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from app.decoding.ensemble import EnsembleLogits
from app.decoding.sampling import draw, exponential_noise, probability_of, process_logits
from app.decoding.soundness import require_finite
from app.decoding.types import GenerationConfig, TokenStep
from app.decoding.whole_step import Ahead, Drawn


class Drawing:
    """Draws tokens one after another, and guesses what will be drawn at a drafted beginning.

    A guess has the processors, the history and the noise that the draw at its position will have.

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
        self._noise: dict[int, Tensor] = {}  # of positions that are guessed and drawn later
        self._history = torch.tensor(self.ids, dtype=torch.int64)

    def append(self, token_id: int) -> None:
        """The text goes on with ``token_id``."""
        place = len(self.ids)
        self._write(place, token_id)
        self.ids.append(token_id)
        self._noise.pop(self.index, None)
        self.index += 1

    def step(self, logits: EnsembleLogits, place: int, given: int | None = None) -> TokenStep:
        """Draw the next token from one place of ``logits``, or say how probable a given one was.

        The step has no text yet; the token is not appended.
        """
        alphas = self._last_alphas = self._alphas()
        drawn = logits.drawn[place] if logits.drawn and given is None else None
        if drawn and (drawn.index, drawn.alphas) == (self.index, alphas):
            token_id, probability = drawn.token_id, self._probability(drawn)
        else:
            scores = self._scores(logits.combined(place, alphas), len(self.ids))
            if given is None:
                noise = self._noise_at(self.index, scores.shape[0])
                token_id, probability = draw(scores, self._config, self.index, noise)
            else:
                token_id, probability = given, probability_of(given, scores, self._config)
        step = TokenStep(
            index=self.index,
            token_id=token_id,
            text="",
            start=0,
            alphas=alphas,
            logits=logits.on_host(place),
            sampled_probability=probability,
            forced=given is not None,
        )
        if given is None:
            require_finite(step)
        return step

    def guess(self, row: Tensor, drafted: Sequence[int] = ()) -> tuple[int, float]:
        """What would be drawn after ``drafted`` if ``row``, [V], were the tuned logits.

        Returns:
            The token and how sure the row is of it: its probability after the processors, or, where
            the most probable one is always drawn, before them.
        """
        for place, token_id in enumerate(drafted, len(self.ids)):
            self._write(place, token_id)
        scores = self._scores(row, len(self.ids) + len(drafted))
        position = self.index + len(drafted)
        noise = self._noise_at(position, scores.shape[0])
        token_id, probability = draw(scores, self._config, position, noise)
        if self._config.greedy:
            probability = float(torch.exp(scores[token_id] - torch.logsumexp(scores, 0)))
        return token_id, probability

    def ahead(self, drafted: Sequence[int] = (), count: int = 1) -> Ahead | None:
        """What will be drawn after the text and all but the last ``count − 1`` of ``drafted``.

        It is with the weights of the last token, which may have changed by then; None before there
        is one.
        """
        if self._last_alphas is None:
            return None
        for place, token_id in enumerate(drafted, len(self.ids)):
            self._write(place, token_id)
        before = len(drafted) - count + 1
        return Ahead(
            index=self.index + before,
            config=self._config,
            alphas=self._last_alphas,
            history=self._history[: len(self.ids) + before],
            noise=self._noise_at,
        )

    def _write(self, place: int, token_id: int) -> None:
        if place == len(self._history):
            self._history = torch.cat([self._history, torch.zeros_like(self._history)])
        self._history[place] = token_id

    def _scores(self, logits: Tensor, length: int) -> Tensor:
        return process_logits(logits, self._history[:length], self._config)

    def _noise_at(self, position: int, size: int) -> Tensor | None:
        if self._config.greedy:
            return None
        if position not in self._noise:
            self._noise[position] = exponential_noise(self._config.seed, position, size)
        return self._noise[position]

    def _probability(self, drawn: Drawn) -> float:
        return 1.0 if self._config.greedy else drawn.sure
