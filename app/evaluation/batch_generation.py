"""Several texts generated side by side, each with its own settings, noise and end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from app.attribution.class_shifts import ShiftedToken
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import EnsembleLogits
from app.decoding.sampling import process_logits
from app.decoding.types import GenerationConfig
from app.errors import Cancelled
from app.evaluation.batched import BatchedEnsemble
from app.evaluation.scoring import Mix, mixed


@dataclass(frozen=True, slots=True)
class Start:
    """What a text begins from: the prompt of each evaluation, and the settings in force.

    ``cut`` says whether a prompt was too long and lost its beginning.
    """

    prompts: tuple[tuple[int, ...], ...]
    config: GenerationConfig
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Generated:
    """A text that was generated.

    Attributes:
        tokens: How many tokens it took.
        cut: Whether its prompt lost its beginning.
        shifted: Of a text drawn from a tuned distribution, what of it each token is, and the
            token's probability under the base and under the tuned distribution.
    """

    text: str
    tokens: int
    cut: bool = False
    shifted: tuple[ShiftedToken, ...] = field(default=(), compare=False)


class _Text:
    """One text on its way."""

    def __init__(self, start: Start, detokenizer: Detokenizer, eos_ids: Collection[int]) -> None:
        self._config = start.config
        self._detokenizer = detokenizer
        self._eos_ids = eos_ids
        self._longest_stop = max(map(len, start.config.stop), default=0)
        self.history = torch.tensor(start.prompts[0], dtype=torch.int64)
        self.text = ""
        self.tokens = 0
        self.finished = False
        self._shifted: list[ShiftedToken] = []

    def push(self, token_id: int, probabilities: tuple[float, float] | None = None) -> None:
        """The next token; the end of sequence and a stop string are not part of the text.

        Args:
            token_id: The token.
            probabilities: Under the base and the tuned distribution, where there are both.
        """
        config = self._config
        if token_id in self._eos_ids:
            self._finish()
            return
        self.tokens += 1
        if config.repetition_penalty != 1.0:
            self.history = torch.cat([self.history, torch.tensor([token_id])])
        piece = self._detokenizer.push(token_id)
        if probabilities is not None:
            self._shifted.append((piece or "", *probabilities))
        if piece:
            searched = max(0, len(self.text) - self._longest_stop + 1)
            self.text += piece
            found = [at for stop in config.stop if (at := self.text.find(stop, searched)) >= 0]
            if found:
                self.text = self.text[: min(found)]
                self.finished = True
                return
        if self.tokens >= config.max_new_tokens:
            self._finish()

    def _finish(self) -> None:
        left = self._detokenizer.flush()
        self.text += left
        if left and self._shifted:
            piece, base, tuned = self._shifted[-1]
            self._shifted[-1] = piece + left, base, tuned
        self.finished = True

    @property
    def shifted(self) -> tuple[ShiftedToken, ...]:
        """Those of the tokens that the text is made of, or nothing where there is no base."""
        kept: list[ShiftedToken] = []
        left = len(self.text)
        for piece, *probabilities in self._shifted:
            if left <= 0:
                break  # what is behind it is the stop string
            base, tuned = probabilities
            kept.append((piece[:left], base, tuned))
            left -= len(piece)
        return tuple(kept)

    def draw(self, logits: Tensor) -> int:
        tuned = process_logits(logits.cpu().numpy(), self.history.numpy(), self._config)
        return tuned.sample(self._config.seed, self.tokens)[0]


@torch.inference_mode()
def generate_batch(
    ensemble: BatchedEnsemble,
    starts: Sequence[Start],
    mix: Mix,
    detokenizer: Callable[[Sequence[int]], Detokenizer],
    eos_ids: Collection[int],
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, Generated]]:
    """Generate a text for every start; texts that have ended are read no further.

    The noise of a token depends on the seed of its text and its place in it alone, so a text is the
    same in any batch, up to rounding.

    Args:
        ensemble: The roles.
        starts: Where the texts begin.
        mix: The distribution that they are drawn from.
        detokenizer: Makes one for a text that follows the base's prompt.
        eos_ids: Any of them ends a text.
        cancelled: Asked before every chunk of the prompts and every token.

    Yields:
        The place of a text and the text, as soon as it has ended.

    Raises:
        Cancelled: When ``cancelled`` says so.
    """
    prompts = list(zip(*(start.prompts for start in starts), strict=True))
    logits = ensemble.prefill(prompts, cancelled)
    plain = all(start.config.greedy and start.config.repetition_penalty == 1.0 for start in starts)
    going = [
        (place, _Text(start, detokenizer(start.prompts[0]), eos_ids))
        for place, start in enumerate(starts)
    ]
    while True:
        if cancelled():
            raise Cancelled
        rows = mixed(logits, mix)
        if plain:
            tokens = rows.argmax(1).tolist()
        else:
            tokens = [text.draw(row) for (_, text), row in zip(going, rows, strict=True)]
        steered = not isinstance(mix, int) and bool(logits.pairs)
        shifted = _probabilities(logits, rows, tokens) if steered else [None] * len(tokens)
        for (place, text), token_id, probabilities in zip(going, tokens, shifted, strict=True):
            text.push(token_id, probabilities)
            if text.finished:
                cut = starts[place].cut
                yield place, Generated(text.text, text.tokens, cut, text.shifted)
        left = [row for row, (_, text) in enumerate(going) if not text.finished]
        if not left:
            return
        if len(left) < len(going):
            ensemble.keep(left)
            going = [going[row] for row in left]
        logits = ensemble.extend(torch.tensor([[tokens[row]] for row in left]))


def _probabilities(
    logits: EnsembleLogits, tuned: Tensor, tokens: Sequence[int]
) -> list[tuple[float, float] | None]:
    """Of each token, its probability under the base and the tuned distribution, unprocessed."""
    wanted = torch.tensor(tokens, device=tuned.device)[:, None]
    both = [
        (rows.gather(1, wanted)[:, 0] - rows.logsumexp(1)).exp().tolist()
        for rows in (logits.rows[0], tuned)
    ]
    return list(zip(*both, strict=True))
