"""Speculative decoding that changes nothing: drafted tokens are kept where they equal the draw.

The tuned token of every position is drawn with the noise of that position. A draft guesses it with
the same noise, so that blocks of several tokens are read at once; the first draft that is wrong is
replaced by the draw. The text is that of plain decoding, up to the rounding of logits in blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

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
    """Logits after a token and after each draft that follows it.

    Attributes:
        logits: Their last 1 + len(drafts) positions.
        source: Who drafted.
        drafter: The evaluation that drafted, which has not read the last draft.
        drafts: The drafted ids.
        confidences: How confidences the drafter was of each; None of what was looked up.
        acceptance: What learns from the drafts.
        accepted: How many of them are in the text.
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
        return self.accepted < len(self.drafts)

    @property
    def place(self) -> int:
        """Where the logits of the next token are, counted from the end."""
        return self.accepted - len(self.drafts) - 1


class Speculator:
    """Drafts for one ensemble; what it learns of costs and acceptance serves all texts after.

    Args:
        longest: The most tokens to draft at once.
        clock: Seconds; has no influence on the text.
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
        """What drafts brought in the last text."""
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
        """Draw until the text has ``limit`` tokens; steps have no text yet.

        Args:
            ensemble: What decodes; it holds the text so far.
            sampler: The text so far.
            logits: Their last position is that of the next token.
            limit: How many tokens the text may have.
            eos_ids: Nothing is drafted after one of them.
            cancelled: Asked before every token and for every token that is drafted.

        Raises:
            Cancelled: When ``cancelled`` says so.
        """
        if self._planner is None:
            self._planner = Planner(len(ensemble.names), self._longest)
        text = _SpeculativeText(ensemble, sampler, self._planner, self._clock, eos_ids, cancelled)
        self._stats = text.stats
        return text.steps(logits, limit)


class _SpeculativeText:
    """One text on its way."""

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
        self._alone = [ensemble.only(place) for place in range(len(ensemble.names))]
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
        return SpeculationStats(tuple(self._counts.items()), self._plain, self._unrewindable)

    def steps(self, logits: EnsembleLogits, limit: int) -> Iterator[TokenStep]:
        sampler = self._sampler
        block = _Block(logits)
        while sampler.index < limit:
            self._check_cancelled()
            self._match = None if self._unrewindable else self._prompt_lookup.match()
            step = sampler.step(block.logits, block.place)
            if not self._unrewindable:
                self._observe(step, block)
            yield step
            sampler.append(step.token_id)
            if sampler.index < limit and not self._accepts(block, step.token_id):
                block = self._read(step.token_id, limit - sampler.index - 1)

    def _accepts(self, block: _Block, token_id: int) -> bool:
        """Whether the token is the draft, so that what follows it has been read."""
        if not block.pending:
            return False
        if token_id != block.drafts[block.accepted]:
            self._ensemble.rewind(self._sampler.index - 1)
            return False
        block.accepted += 1
        if not block.pending and block.drafter is not None:
            block.logits.rows[block.drafter, -1] = self._step(block.drafter, token_id).rows[0, 0]
            block.logits = replace(block.logits, sampled=())  # without this row
        return True

    def _read(self, token_id: int, max_drafts: int) -> _Block:
        """Read the last token of the text, with a draft of what may follow where that pays."""
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
        seconds, whole = self._clock() - started, self._planner.whole
        if not (drafts and match):
            whole.add(size, seconds)
            self._plain += 1
            return _Block(logits)
        acceptance = self._planner.prompt_lookup(match.length)
        self._planner.record_block(whole, size, seconds, acceptance.rate())
        self._count(PROMPT_LOOKUP, DraftCounts(blocks=1, drafted=len(drafts)))
        return _Block(logits, PROMPT_LOOKUP, None, drafts, [None] * len(drafts), acceptance)

    def _draft(self, token_id: int, plan: Plan, place: int) -> _Block:
        """One evaluation guesses as long as it pays, then the others read what it has guessed."""
        acceptance, steps = self._planner.drafts[place], self._planner.steps[place]
        rows: list[Tensor] = []
        drafts: list[int] = []
        confidences: list[float | None] = []
        reach, read, going_on = 1.0, token_id, True
        while going_on:
            self._check_cancelled()
            started = self._clock()
            logits = self._step(place, read, drafts)
            rows.append(logits.rows[0, 0])
            if logits.sampled:
                read, confidence = logits.sampled[0].token_id, logits.sampled[0].probability
            else:
                read, confidence = self._sampler.sample_draft(rows[-1], drafts)
            steps.add(1, self._clock() - started)
            drafts.append(read)
            confidences.append(confidence)
            reach *= acceptance.rate(confidence)
            going_on = read not in self._eos_ids and self._planner.should_extend(
                plan, len(drafts), reach
            )
        rows.append(torch.zeros_like(rows[0]))  # the last draft is read only if it is accepted
        started = self._clock()
        logits = self._ensemble.extend(
            [token_id, *drafts],
            last=len(rows),
            precomputed={place: torch.stack(rows)},
            sampling=self._sampler.sampling(drafts, len(rows)),
        )
        others, seconds = self._planner.others[place], self._clock() - started
        self._planner.record_block(others, len(rows), seconds, acceptance.rate())
        source = self._ensemble.names[place]
        self._count(source, DraftCounts(blocks=1, drafted=len(drafts)))
        return _Block(logits, source, place, drafts, confidences, acceptance)

    def _step(self, place: int, token_id: int, drafted: Sequence[int] = ()) -> EnsembleLogits:
        """One evaluation reads a token by itself, which the last of ``drafted`` is, if any."""
        return self._alone[place].extend([token_id], sampling=self._sampler.sampling(drafted))

    def _observe(self, step: TokenStep, block: _Block) -> None:
        """Learn from a drawn token, also of those who might have drafted it."""
        drafter = None
        if block.pending:
            agreed = step.token_id == block.drafts[block.accepted]
            block.acceptance.add(agreed, block.confidences[block.accepted])
            self._count(block.source, DraftCounts(tested=1, accepted=int(agreed)))
            drafter = block.drafter
        looked_up = block.pending and block.source == PROMPT_LOOKUP
        if self._match and not looked_up:
            found = self._prompt_lookup.draft(self._match, 1)[0]
            self._planner.prompt_lookup(self._match.length).add(found == step.token_id)
        if not self._planner.should_observe(step.index):
            return
        for place, acceptance in enumerate(self._planner.drafts):
            if place != drafter:
                draft, confidence = self._sampler.sample_draft(
                    block.logits.rows[place, block.place]
                )
                acceptance.add(draft == step.token_id, confidence)

    def _count(self, source: str, counts: DraftCounts) -> None:
        self._counts[source] = self._counts.get(source, DraftCounts()) + counts

    def _check_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled
