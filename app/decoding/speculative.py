"""Speculative decoding whose text is that of plain decoding: drafts are verified by equality.

The token of every position is sampled from the tuned distribution with the noise of that position.
A drafter samples from its own distribution with the same noise, which makes the two tokens often
equal. All models then verify the drafted block in one forward pass each; drafts are accepted up to
the first that differs from the sampled token, which is used in its place. The text is that of plain
decoding up to the rounding of logits, which differs between blocks and single tokens.
Source: Leviathan et al., Fast Inference from Transformers via Speculative Decoding, arXiv
2211.17192; shared noise instead of the rule min(1, p/q) keeps the text independent of drafting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from app.decoding.bridge.refinement import refine
from app.decoding.draft_plan import Acceptance, Plan, Planner
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.prompt_lookup import Match, PromptLookup
from app.decoding.speculation_stats import DraftCounts, SpeculationStats
from app.decoding.token_sampler import TokenSampler
from app.decoding.types import TokenStep
from app.errors import Cancelled

LONGEST_DRAFT = 16
PROMPT_LOOKUP = "prompt lookup"


@dataclass(slots=True)
class _Block:
    """Logits after the last sampled token and after each drafted token that follows it.

    Attributes:
        logits: Rows of all roles; the last 1 + len(drafts) positions belong to the block.
        source: Name of the drafter.
        drafter: Index of the model context that drafted; it has not read the last drafted token.
        drafts: The drafted token ids.
        confidences: The drafter's probability of each drafted token; None from prompt lookup.
        acceptance: The statistics that the drafts are counted in.
        accepted: Number of drafts accepted so far.
    """

    logits: EnsembleLogits
    source: str = ""
    drafter: int | None = None
    drafts: list[int] = field(default_factory=list)
    confidences: list[float | None] = field(default_factory=list)
    acceptance: Acceptance = field(default_factory=Acceptance)
    accepted: int = 0

    @property
    def pending(self) -> bool:
        """Whether a drafted token still has to be compared with the sampled one."""
        return self.accepted < len(self.drafts)

    @property
    def position(self) -> int:
        """Position of the next token's logits, counted from the end."""
        return self.accepted - len(self.drafts) - 1


class Speculator:
    """Decodes speculatively with one ensemble, and keeps its measurements from run to run.

    Args:
        longest: Maximum number of tokens to draft at once.
        clock: Returns seconds; it affects the choice of drafts only, never the text.
    """

    def __init__(
        self, longest: int = LONGEST_DRAFT, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._longest = longest
        self._clock = clock
        self._planner: Planner | None = None
        self._stats: Callable[[], SpeculationStats] = SpeculationStats

    @property
    def stats(self) -> SpeculationStats:
        """Drafted and accepted tokens of the current or last run."""
        return self._stats()

    def decode(
        self,
        ensemble: Ensemble,
        sampler: TokenSampler,
        logits: EnsembleLogits,
        limit: int,
        eos_ids: Collection[int],
        cancelled: Callable[[], bool],
    ) -> Iterator[TokenStep]:
        """Sample tokens until the run has ``limit`` tokens.

        Args:
            ensemble: The roles; their KV caches hold the prompts and the tokens so far.
            sampler: Samples tokens and holds the token ids so far.
            logits: Their last position is that of the next token.
            limit: Maximum number of tokens of the run, the prefix included.
            eos_ids: A draft ends with the first of these.
            cancelled: Called before every sampled and every drafted token.

        Yields:
            One step for each token, without its text.

        Raises:
            Cancelled: When ``cancelled`` says so.
        """
        if self._planner is None:
            self._planner = Planner(len(ensemble.names), self._longest)
        run = _SpeculativeRun(ensemble, sampler, self._planner, self._clock, eos_ids, cancelled)
        self._stats = run.stats
        return run.steps(logits, limit)


class _SpeculativeRun:
    """The state of one run that is decoded speculatively."""

    def __init__(
        self,
        ensemble: Ensemble,
        sampler: TokenSampler,
        planner: Planner,
        clock: Callable[[], float],
        eos_ids: Collection[int],
        cancelled: Callable[[], bool],
    ) -> None:
        self._ensemble = ensemble
        self._alone = [ensemble.only(index) for index in range(len(ensemble.names))]
        self._sampler = sampler
        self._planner = planner
        self._clock = clock
        self._eos_ids = eos_ids
        self._cancelled = cancelled
        self._prompt_lookup = PromptLookup(sampler.ids)
        self._match: Match | None = None
        self._unrewindable = ensemble.unrewindable
        self._counts: dict[str, DraftCounts] = {}
        self._plain = 0

    def stats(self) -> SpeculationStats:
        """Drafted and accepted tokens so far."""
        return SpeculationStats(tuple(self._counts.items()), self._plain, self._unrewindable)

    def steps(self, logits: EnsembleLogits, limit: int) -> Iterator[TokenStep]:
        """See :meth:`Speculator.decode`."""
        sampler = self._sampler
        block = _Block(logits)
        while sampler.index < limit:
            self._check_cancelled()
            self._match = None if self._unrewindable else self._prompt_lookup.match()
            coverage = refine(self._ensemble, block.logits, block.position, sampler.index)
            step = sampler.step(block.logits, block.position, coverage=coverage)
            if not self._unrewindable:
                self._observe(step, block)
            yield step
            sampler.append(step.token_id)
            if sampler.index < limit and not self._accepts(block, step.token_id):
                block = self._read(step.token_id, limit - sampler.index - 1)

    def _accepts(self, block: _Block, token_id: int) -> bool:
        """Compare a sampled token with its draft; whether the block has logits after the token.

        On a mismatch the rejected drafts are removed from the KV caches. After the last accepted
        draft its drafter reads that token, whose logits the block still lacks.
        """
        if not block.pending:
            return False
        if token_id != block.drafts[block.accepted]:
            self._ensemble.rewind(self._sampler.index - 1)
            return False
        block.accepted += 1
        if not block.pending and block.drafter is not None:
            block.logits.rows[block.drafter, -1] = self._step(block.drafter, token_id).rows[0, 0]
            # the token sampled on the device was computed without the row just read
            block.logits = replace(block.logits, sampled=())
        return True

    def _read(self, token_id: int, max_drafts: int) -> _Block:
        """Read the last sampled token, followed by a draft if one is expected to pay."""
        match = None if self._unrewindable else self._prompt_lookup.match()
        plan = self._planner.plan(
            match.length if match else 0, 0 if self._unrewindable else max_drafts
        )
        if plan.drafter is not None:
            return self._draft(token_id, plan, plan.drafter)
        drafts = self._prompt_lookup.draft(match, plan.length) if match else []
        started = self._clock()
        size = 1 + len(drafts)
        sampling = self._sampler.sampling(drafts, size)
        logits = self._ensemble.extend([token_id, *drafts], last=size, sampling=sampling)
        seconds, times = self._clock() - started, self._planner.ensemble_times
        if not (drafts and match):
            times.add(size, seconds)
            self._plain += 1
            return _Block(logits)
        acceptance = self._planner.prompt_lookup(match.length)
        self._planner.record_block(times, size, seconds, acceptance.rate())
        self._count(PROMPT_LOOKUP, DraftCounts(blocks=1, drafted=len(drafts)))
        return _Block(logits, PROMPT_LOOKUP, None, drafts, [None] * len(drafts), acceptance)

    def _draft(self, token_id: int, plan: Plan, drafter: int) -> _Block:
        """Draft with one model context, then verify the block with all others."""
        acceptance, times = self._planner.acceptance[drafter], self._planner.draft_times[drafter]
        rows: list[Tensor] = []
        drafts: list[int] = []
        confidences: list[float | None] = []
        reach, read, going_on = 1.0, token_id, True
        while going_on:
            self._check_cancelled()
            started = self._clock()
            logits = self._step(drafter, read, drafts)
            rows.append(logits.rows[0, 0])
            if logits.sampled:
                read, confidence = logits.sampled[0].token_id, logits.sampled[0].probability
            else:
                read, confidence = self._sampler.sample_draft(rows[-1], drafts)
            times.add(1, self._clock() - started)
            drafts.append(read)
            confidences.append(confidence)
            reach *= acceptance.rate(confidence)
            going_on = read not in self._eos_ids and self._planner.should_extend(
                plan, len(drafts), reach
            )
        rows.append(torch.zeros_like(rows[0]))  # the drafter has not read its last draft
        started = self._clock()
        logits = self._ensemble.extend(
            [token_id, *drafts],
            last=len(rows),
            precomputed={drafter: torch.stack(rows)},
            sampling=self._sampler.sampling(drafts, len(rows)),
        )
        times, seconds = self._planner.verify_times[drafter], self._clock() - started
        self._planner.record_block(times, len(rows), seconds, acceptance.rate())
        source = self._ensemble.names[drafter]
        self._count(source, DraftCounts(blocks=1, drafted=len(drafts)))
        return _Block(logits, source, drafter, drafts, confidences, acceptance)

    def _step(self, context: int, token_id: int, drafted: Sequence[int] = ()) -> EnsembleLogits:
        """One model context reads ``token_id``, the last of ``drafted`` if there are drafts."""
        return self._alone[context].extend([token_id], sampling=self._sampler.sampling(drafted))

    def _observe(self, step: TokenStep, block: _Block) -> None:
        """Update the acceptance rates of all possible drafters by one sampled token.

        The rows of every role at this position are at hand, so that the token each model would
        have drafted is known without drafting.
        """
        drafter = None
        if block.pending:
            agreed = step.token_id == block.drafts[block.accepted]
            block.acceptance.add(agreed, block.confidences[block.accepted])
            self._count(block.source, DraftCounts(tested=1, accepted=int(agreed)))
            drafter = block.drafter
        from_lookup = block.pending and block.source == PROMPT_LOOKUP
        if self._match and not from_lookup:
            draft = self._prompt_lookup.draft(self._match, 1)[0]
            self._planner.prompt_lookup(self._match.length).add(draft == step.token_id)
        if not self._planner.should_observe(step.index):
            return
        for context, acceptance in enumerate(self._planner.acceptance):
            if context != drafter:
                draft, confidence = self._sampler.sample_draft(
                    block.logits.rows[context, block.position]
                )
                acceptance.add(draft == step.token_id, confidence)

    def _count(self, source: str, counts: DraftCounts) -> None:
        self._counts[source] = self._counts.get(source, DraftCounts()) + counts

    def _check_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled
