"""Speculative decoding that changes nothing: drafted tokens are kept where they equal the draw.

The tuned token of every position is drawn with the noise of that position. A draft guesses it with
the same noise, so that blocks of several tokens are read at once; the first guess that is wrong is
replaced by the draw. The text is that of plain decoding, up to the rounding of logits in blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from app.decoding.draft_plan import Acceptance, Plan, Planner
from app.decoding.drawing import Drawing
from app.decoding.ensemble import Ensemble, EnsembleLogits
from app.decoding.lookup import Lookup, Match
from app.decoding.speculation_stats import DraftCounts, SpeculationStats
from app.decoding.types import TokenStep
from app.errors import Cancelled

LONGEST_DRAFT = 16
LOOKUP = "lookup"
_WATCH_ALL = 16
_WATCH_EVERY = 8


@dataclass(slots=True)
class _Block:
    """Logits after a token and after each draft that follows it.

    Attributes:
        logits: Their last 1 + len(drafts) positions.
        source: Who drafted.
        drafter: The evaluation that drafted, which has not read the last draft.
        drafts: The drafted ids.
        sure: How sure the drafter was of each; None of what was looked up.
        acceptance: What learns from the drafts.
        accepted: How many of them are in the text.
    """

    logits: EnsembleLogits
    source: str = ""
    drafter: int | None = None
    drafts: list[int] = field(default_factory=list)
    sure: list[float | None] = field(default_factory=list)
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
        ensemble: What decodes.
        longest: The most tokens to draft at once.
        clock: Seconds; has no influence on the text.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        longest: int = LONGEST_DRAFT,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._ensemble = ensemble
        self._clock = clock
        self._alone = [ensemble.only(place) for place in range(len(ensemble.names))]
        self._planner = Planner(len(self._alone), longest)
        self._counts: dict[str, DraftCounts] = {}
        self._plain = self._watched = 0

    @property
    def stats(self) -> SpeculationStats:
        """What drafts brought in the last text."""
        return SpeculationStats(tuple(self._counts.items()), self._plain, self._ensemble.fixed)

    def decode(
        self,
        drawing: Drawing,
        logits: EnsembleLogits,
        limit: int,
        eos_ids: Collection[int],
        cancelled: Callable[[], bool],
    ) -> Iterator[TokenStep]:
        """Draw until the text has ``limit`` tokens; steps have no text yet.

        Args:
            drawing: The text so far.
            logits: Their last position is that of the next token.
            limit: How many tokens the text may have.
            eos_ids: Nothing is drafted after one of them.
            cancelled: Asked before every token and for every token that is drafted.

        Raises:
            Cancelled: When ``cancelled`` says so.
        """
        self._counts, self._plain = {}, 0
        lookup = Lookup(drawing.ids)
        can_draft = not self._ensemble.fixed
        match = lookup.match() if can_draft else None
        block = _Block(logits)
        while drawing.index < limit:
            _ask(cancelled)
            step = drawing.step(block.logits, block.place)
            if can_draft:
                self._watch(step, block, drawing, lookup, match)
            yield step
            drawing.append(step.token_id)
            match = lookup.match() if can_draft else None
            if drawing.index == limit:
                return
            if block.pending and self._accepts(block, step.token_id, drawing):
                continue
            room = limit - drawing.index if can_draft else 0
            plan = self._planner.plan(match.length if match else 0, room)
            if plan.length == 0:
                block = self._read(step.token_id)
            elif plan.drafter is None and match:
                block = self._look_up(step.token_id, lookup, match, plan)
            else:
                block = self._draft(step.token_id, drawing, plan, eos_ids, cancelled)

    def _accepts(self, block: _Block, token_id: int, drawing: Drawing) -> bool:
        """Whether the token in the text is the draft, so that what follows it has been read."""
        if token_id != block.drafts[block.accepted]:
            self._ensemble.rewind(drawing.index - 1)
            return False
        block.accepted += 1
        if not block.pending and block.drafter is not None:
            block.logits.rows[block.drafter, -1] = self._step(block.drafter, token_id)
        return True

    def _read(self, token_id: int) -> _Block:
        """Plain decoding."""
        self._plain += 1
        return _Block(self._timed_extend([token_id]))

    def _look_up(self, token_id: int, lookup: Lookup, match: Match, plan: Plan) -> _Block:
        drafts = lookup.draft(match, plan.length)
        logits = self._timed_extend([token_id, *drafts])
        acceptance = self._planner.lookup(match.length)
        self._count(LOOKUP, DraftCounts(blocks=1, drafted=len(drafts)))
        return _Block(logits, LOOKUP, None, drafts, [None] * len(drafts), acceptance)

    def _draft(
        self,
        token_id: int,
        drawing: Drawing,
        plan: Plan,
        eos_ids: Collection[int],
        cancelled: Callable[[], bool],
    ) -> _Block:
        """One evaluation guesses as long as it pays, then the others read what it has guessed."""
        place = plan.drafter or 0
        acceptance, steps = self._planner.drafts[place], self._planner.steps[place]
        rows: list[Tensor] = []
        drafts: list[int] = []
        sure: list[float | None] = []
        reach, read, going_on = 1.0, token_id, True
        while going_on:
            _ask(cancelled)
            started = self._clock()
            row = self._step(place, read)
            read, confidence = drawing.guess(row, drafts)
            steps.add(1, self._clock() - started)
            rows.append(row)
            drafts.append(read)
            sure.append(confidence)
            reach *= acceptance.rate(confidence)
            going_on = read not in eos_ids and self._planner.goes_on(plan, len(drafts), reach)
        rows.append(torch.zeros_like(row))  # it reads its last guess only where that is accepted
        started = self._clock()
        logits = self._ensemble.extend(
            [token_id, *drafts], last=len(rows), known={place: torch.stack(rows)}
        )
        self._planner.others[place].add(len(rows), self._clock() - started)
        source = self._ensemble.names[place]
        self._count(source, DraftCounts(blocks=1, drafted=len(drafts)))
        return _Block(logits, source, place, drafts, sure, acceptance)

    def _step(self, place: int, token_id: int) -> Tensor:
        """One evaluation reads a token by itself; its row, [V]."""
        return self._alone[place].extend([token_id]).rows[0, 0]

    def _timed_extend(self, tokens: list[int]) -> EnsembleLogits:
        started = self._clock()
        logits = self._ensemble.extend(tokens, last=len(tokens))
        self._planner.whole.add(len(tokens), self._clock() - started)
        return logits

    def _watch(
        self,
        step: TokenStep,
        block: _Block,
        drawing: Drawing,
        lookup: Lookup,
        match: Match | None,
    ) -> None:
        """Learn from a drawn token, also of those who might have drafted it."""
        drafter = None
        if block.pending:
            agreed = step.token_id == block.drafts[block.accepted]
            block.acceptance.add(agreed, block.sure[block.accepted])
            self._count(block.source, DraftCounts(tested=1, accepted=int(agreed)))
            drafter = block.drafter
        if match and not (block.pending and block.source == LOOKUP):
            found = lookup.draft(match, 1)[0]
            self._planner.lookup(match.length).add(found == step.token_id)
        if len(self._alone) == 1 or (self._watched >= _WATCH_ALL and step.index % _WATCH_EVERY):
            return
        self._watched += 1
        for place, acceptance in enumerate(self._planner.drafts):
            if place != drafter:
                guess, confidence = drawing.guess(block.logits.rows[place, block.place])
                acceptance.add(guess == step.token_id, confidence)

    def _count(self, source: str, counts: DraftCounts) -> None:
        self._counts[source] = self._counts.get(source, DraftCounts()) + counts


def _ask(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
