"""Batched generation: several sequences at once, each with its own settings, seed and end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from app.attribution.class_shifts import ShiftedToken
from app.decoding.alpha_schedule import AlphaSchedule
from app.decoding.batch_loop import BatchLoop
from app.decoding.batched_ensemble import BatchedEnsemble
from app.decoding.coverage import Coverage, mean_coverage
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import EnsembleLogits
from app.decoding.sampling import process_logits
from app.decoding.types import GenerationConfig
from app.errors import Cancelled
from app.evaluation.scheduled_alphas import ScheduledAlphas
from app.evaluation.scoring import Distribution, distribution_logits


@dataclass(frozen=True, slots=True)
class GenerationStart:
    """The prompt and settings of one sequence.

    Attributes:
        prompts: The prompt's token ids for each model context.
        config: The sampling settings.
        truncated: Whether a prompt was too long and lost its beginning.
    """

    prompts: tuple[tuple[int, ...], ...]
    config: GenerationConfig
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class GeneratedAnswer:
    """A generated sequence.

    Attributes:
        text: The text, without the stop string.
        tokens: Number of generated tokens.
        truncated: Whether its prompt was too long and lost its beginning.
        shifted: For a tuned distribution: the text of each token with its probability under the
            base and under the tuned distribution.
        coverage: The mean coverage of its tokens, where a pair has another vocabulary.
    """

    text: str
    tokens: int
    truncated: bool = False
    shifted: tuple[ShiftedToken, ...] = field(default=(), compare=False)
    coverage: Coverage | None = field(default=None, compare=False)


class AnswerText:
    """The text of one sequence that is being generated.

    Attributes:
        place: Its index among the sequences that were asked for.
        schedule: Scales the alphas at each token; None where they are used as they are.
    """

    def __init__(
        self,
        place: int,
        start: GenerationStart,
        detokenizer: Detokenizer,
        eos_ids: Collection[int],
        schedule: AlphaSchedule | None = None,
    ) -> None:
        self.place = place
        self.schedule = schedule
        self._truncated = start.truncated
        self._config = start.config
        self._detokenizer = detokenizer
        self._eos_ids = eos_ids
        self._longest_stop = max(map(len, start.config.stop), default=0)
        self._prompt_length = len(start.prompts[0])
        self.history = torch.tensor(start.prompts[0], dtype=torch.int64)
        self.text = ""
        self.token_id = -1
        self.tokens = 0
        self.ended = False
        self._shifted: list[ShiftedToken] = []
        self._coverages: list[Coverage] = []

    def push(
        self,
        token_id: int,
        probabilities: tuple[float, float] | None = None,
        coverage: Coverage | None = None,
    ) -> None:
        """Append a token. End-of-sequence tokens and stop strings are not part of the text.

        Args:
            token_id: The token.
            probabilities: Its probability under the base and the tuned distribution, if both are
                known.
            coverage: That of the rows it was sampled from.
        """
        config = self._config
        self.token_id = token_id
        if coverage is not None:
            self._coverages.append(coverage)
        if token_id in self._eos_ids:
            self._finish()
            return
        self.tokens += 1
        if self.schedule is not None:
            self.schedule.push(token_id)
        if config.reads_history:
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
                self.ended = True
                return
        if self.tokens >= config.max_new_tokens:
            self._finish()

    def _finish(self) -> None:
        left = self._detokenizer.flush()
        self.text += left
        if left and self._shifted:
            piece, base, tuned = self._shifted[-1]
            self._shifted[-1] = piece + left, base, tuned
        self.ended = True

    @property
    def shifted(self) -> tuple[ShiftedToken, ...]:
        """Probabilities of the tokens of the final text; empty if they are not known."""
        kept: list[ShiftedToken] = []
        left = len(self.text)
        for piece, *probabilities in self._shifted:
            if left <= 0:
                break  # the rest belongs to the stop string
            base, tuned = probabilities
            kept.append((piece[:left], base, tuned))
            left -= len(piece)
        return tuple(kept)

    @property
    def answer(self) -> GeneratedAnswer:
        """The whole text."""
        coverage = mean_coverage(self._coverages)
        return GeneratedAnswer(self.text, self.tokens, self._truncated, self.shifted, coverage)

    def draw(self, logits: Tensor) -> int:
        row, history = logits.cpu().numpy(), self.history.numpy()
        tuned = process_logits(row, history, self._config, self._prompt_length)
        return tuned.sample(self._config.seed, self.tokens)[0]


@torch.inference_mode()
def generate_batch(
    ensemble: BatchedEnsemble,
    starts: Sequence[GenerationStart],
    distribution: Distribution,
    detokenizer: Callable[[Sequence[int]], Detokenizer],
    eos_ids: Collection[int],
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, GeneratedAnswer]]:
    """Generate a sequence for each start; finished sequences leave the batch.

    The noise depends on the seed of the sequence and the position only, so a sequence does not
    depend on the others in its batch, up to rounding.

    Args:
        ensemble: The models.
        starts: Prompts and settings.
        distribution: The distribution to sample from.
        detokenizer: Creates a detokenizer for text after a prompt of the base.
        eos_ids: Token ids that end a sequence.
        cancelled: Called before each prefill chunk and each token.

    Yields:
        The index of a finished sequence in ``starts``, and the sequence.

    Raises:
        Cancelled: ``cancelled`` returned True.
    """
    plain = all(start.config.is_argmax for start in starts)

    def sample(logits: EnsembleLogits, texts: Sequence[AnswerText]) -> None:
        ensemble.require_usable(logits)
        found = ensemble.refine(logits)
        coverages: Sequence[Coverage | None] = found if found is not None else [None] * len(texts)
        rows = _tuned_rows(logits, texts, distribution)
        if plain:
            tokens = rows.argmax(1).tolist()
        else:
            tokens = [text.draw(row) for text, row in zip(texts, rows, strict=True)]
        with_probabilities = not isinstance(distribution, int) and bool(logits.pairs)
        shifted = (
            _probabilities(logits, rows, tokens) if with_probabilities else [None] * len(tokens)
        )
        for text, token_id, probabilities, coverage in zip(
            texts, tokens, shifted, coverages, strict=True
        ):
            text.push(token_id, probabilities, coverage)

    loop = BatchLoop(ensemble, sample)
    prompts = list(zip(*(start.prompts for start in starts), strict=True))
    texts = [
        AnswerText(
            place,
            start,
            detokenizer(start.prompts[0]),
            eos_ids,
            distribution.begin(start.prompts)
            if isinstance(distribution, ScheduledAlphas)
            else None,
        )
        for place, start in enumerate(starts)
    ]
    ended = loop.begin(texts, prompts, cancelled)
    while True:
        yield from ((text.place, text.answer) for text in ended)
        if not loop.texts:
            return
        if cancelled():
            raise Cancelled
        ended = loop.step()


def _tuned_rows(
    logits: EnsembleLogits, texts: Sequence[AnswerText], distribution: Distribution
) -> Tensor:
    """The row that the next token of each text is sampled from, [B, V]."""
    if not isinstance(distribution, ScheduledAlphas):
        return distribution_logits(logits, distribution)
    rows = []
    for place, text in enumerate(texts):
        assert text.schedule is not None
        rows.append(distribution.row(logits, place, text.schedule, text.tokens))
    return torch.stack(rows)


def _probabilities(
    logits: EnsembleLogits, tuned: Tensor, tokens: Sequence[int]
) -> list[tuple[float, float] | None]:
    """The unprocessed probability of each token under the base and the tuned distribution."""
    wanted = torch.tensor(tokens, device=tuned.device)[:, None]
    both = [
        (rows.gather(1, wanted)[:, 0] - rows.logsumexp(1)).exp().tolist()
        for rows in (logits.rows[0], tuned)
    ]
    return list(zip(*both, strict=True))
