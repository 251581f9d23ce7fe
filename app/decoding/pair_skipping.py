"""Decoding in which pairs read a token only if a policy of alpha needs them.

Where the factor of a token's alphas is 0, its distribution is the base's, whatever the pairs say.
Their models then lag behind the base. When they are needed again, each reads all tokens that it has
missed in one block. The text is that of reading every token at once, up to the rounding of blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from torch import Tensor

from app.decoding.bridge.refinement import refine
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.skip_counts import SkipCounts
from app.decoding.step_sizes import PREFILL_CHUNK
from app.decoding.token_sampler import TokenSampler
from app.decoding.types import TokenStep
from app.errors import Cancelled


@dataclass(slots=True)
class _Counting:
    tokens: int = 0
    skipped: int = 0
    passes: int = 0
    caught_up: int = 0


class PairSkipping:
    """Decodes one run, and counts what it skips.

    Args:
        ensemble: The roles; their KV caches hold the prompts and the tokens so far.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble = ensemble
        self._lagging = range(1, len(ensemble.contexts))
        self._missed: list[int] = []
        self._count = _Counting()

    @property
    def counts(self) -> SkipCounts:
        """What was skipped so far."""
        count = self._count
        return SkipCounts(count.tokens, count.skipped, count.passes, count.caught_up)

    def steps(
        self,
        sampler: TokenSampler,
        logits: EnsembleLogits,
        limit: int,
        cancelled: Callable[[], bool],
    ) -> Generator[TokenStep, None, None]:
        """Sample tokens until the run has ``limit`` tokens.

        For the arguments see :func:`app.decoding.decode.plain_steps`; the sampler has a policy of
        alpha that may skip pairs.

        Raises:
            Cancelled: When ``cancelled`` says so.
        """
        while sampler.index < limit:
            if cancelled():
                raise Cancelled
            coverage = None
            if not logits.skipped:
                coverage = refine(self._ensemble, logits, -1, sampler.index)
            self._count.tokens += 1
            step = sampler.step(logits, -1, coverage=coverage)
            yield step
            sampler.append(step.token_id)
            if sampler.index < limit:
                logits = self._read(step.token_id, sampler, cancelled)

    def _read(
        self, token_id: int, sampler: TokenSampler, cancelled: Callable[[], bool]
    ) -> EnsembleLogits:
        """Read the last token with the base, and with the pairs if they are needed."""
        self._missed.append(token_id)
        base = self._extend(0, [token_id])
        alone = self._ensemble.gather([base])
        if sampler.needs_pairs(lambda: alone.rows[0, -1].cpu().numpy()):
            return self._catch_up(base, cancelled)
        self._count.skipped += 1
        self._count.passes += len(self._lagging)
        rows = alone.rows.expand(len(self._ensemble.contexts), -1, -1)
        return EnsembleLogits(rows, alone.pairs, alone.masked, skipped=True)

    def _catch_up(self, base: Tensor, cancelled: Callable[[], bool]) -> EnsembleLogits:
        """Let the pairs read what they have missed, each in one block if it is short."""
        missed, self._missed = self._missed, []
        self._count.caught_up += (len(missed) - 1) * len(self._lagging)
        rows = [base]
        for place in self._lagging:
            for start in range(0, len(missed), PREFILL_CHUNK):
                if cancelled():
                    raise Cancelled
                row = self._extend(place, missed[start : start + PREFILL_CHUNK])
            rows.append(row)
        return self._ensemble.gather(rows)

    def _extend(self, place: int, tokens: list[int]) -> Tensor:
        context = self._ensemble.contexts[place]
        context.begin(tokens, 1)
        return context.extend(tokens, 1)
