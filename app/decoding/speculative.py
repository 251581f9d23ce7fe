"""Speculative decoding that changes nothing: drafted tokens are kept where they equal the draw.

The tuned token of every position is drawn with the noise of that position. A draft guesses it with
the same noise, so that blocks of several tokens are read at once; the first guess that is wrong is
replaced by the draw. The text is that of plain decoding, up to the rounding of logits in blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

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
        drawing: Drawing,
        logits: EnsembleLogits,
        limit: int,
        eos_ids: Collection[int],
        cancelled: Callable[[], bool],
    ) -> Iterator[TokenStep]:
        """Draw until the text has ``limit`` tokens; steps have no text yet.

        Args:
            ensemble: What decodes; it holds the text so far.
            drawing: The text so far.
            logits: Their last position is that of the next token.
            limit: How many tokens the text may have.
            eos_ids: Nothing is drafted after one of them.
            cancelled: Asked before every token and for every token that is drafted.

        Raises:
            Cancelled: When ``cancelled`` says so.
        """
        if self._planner is None:
            self._planner = Planner(len(ensemble.names), self._longest)
        text = _SpeculativeText(ensemble, drawing, self._planner, self._clock, eos_ids, cancelled)
        self._stats = text.stats
        return text.steps(logits, limit)


class _SpeculativeText:
    """One text on its way."""

    def __init__(
        self,
        ensemble: Ensemble,
        drawing: Drawing,
        planner: Planner,
        clock: Callable[[], float],
        eos_ids: Collection[int],
        cancelled: Callable[[], bool],
    ) -> None:
        self._ensemble = ensemble
        self._alone = [ensemble.only(place) for place in range(len(ensemble.names))]
        self._drawing = drawing
        self._planner = planner
        self._clock = clock
        self._eos_ids = eos_ids
        self._cancelled = cancelled
        self._lookup = Lookup(drawing.ids)
        self._match: Match | None = None
        self._fixed = ensemble.fixed
        self._counts: dict[str, DraftCounts] = {}
        self._plain = 0

    def stats(self) -> SpeculationStats:
        return SpeculationStats(tuple(self._counts.items()), self._plain, self._fixed)

    def steps(self, logits: EnsembleLogits, limit: int) -> Iterator[TokenStep]:
        drawing = self._drawing
        block = _Block(logits)
        while drawing.index < limit:
            self._ask()
            self._match = None if self._fixed else self._lookup.match()
            step = drawing.step(block.logits, block.place)
            if not self._fixed:
                self._watch(step, block)
            yield step
            drawing.append(step.token_id)
            if drawing.index < limit and not self._accepts(block, step.token_id):
                block = self._read(step.token_id, limit - drawing.index - 1)

    def _accepts(self, block: _Block, token_id: int) -> bool:
        """Whether the token is the draft, so that what follows it has been read."""
        if not block.pending:
            return False
        if token_id != block.drafts[block.accepted]:
            self._ensemble.rewind(self._drawing.index - 1)
            return False
        block.accepted += 1
        if not block.pending and block.drafter is not None:
            block.logits.rows[block.drafter, -1] = self._step(block.drafter, token_id).rows[0, 0]
            block.logits = replace(block.logits, drawn=())  # without this row
        return True

    def _read(self, token_id: int, room: int) -> _Block:
        """Read the last token of the text, with a draft of what may follow where that pays."""
        match = None if self._fixed else self._lookup.match()
        plan = self._planner.plan(match.length if match else 0, 0 if self._fixed else room)
        if plan.drafter is not None:
            return self._draft(token_id, plan, plan.drafter)
        drafts = self._lookup.draft(match, plan.length) if match else []
        started = self._clock()
        size = 1 + len(drafts)
        ahead = self._drawing.ahead(drafts, size)
        logits = self._ensemble.extend([token_id, *drafts], last=size, ahead=ahead)
        seconds, whole = self._clock() - started, self._planner.whole
        if not (drafts and match):
            whole.add(size, seconds)
            self._plain += 1
            return _Block(logits)
        acceptance = self._planner.lookup(match.length)
        self._planner.took(whole, size, seconds, acceptance.rate())
        self._count(LOOKUP, DraftCounts(blocks=1, drafted=len(drafts)))
        return _Block(logits, LOOKUP, None, drafts, [None] * len(drafts), acceptance)

    def _draft(self, token_id: int, plan: Plan, place: int) -> _Block:
        """One evaluation guesses as long as it pays, then the others read what it has guessed."""
        acceptance, steps = self._planner.drafts[place], self._planner.steps[place]
        rows: list[Tensor] = []
        drafts: list[int] = []
        sure: list[float | None] = []
        reach, read, going_on = 1.0, token_id, True
        while going_on:
            self._ask()
            started = self._clock()
            logits = self._step(place, read, drafts)
            rows.append(logits.rows[0, 0])
            if logits.drawn:
                read, confidence = logits.drawn[0].token_id, logits.drawn[0].sure
            else:
                read, confidence = self._drawing.guess(rows[-1], drafts)
            steps.add(1, self._clock() - started)
            drafts.append(read)
            sure.append(confidence)
            reach *= acceptance.rate(confidence)
            going_on = read not in self._eos_ids and self._planner.goes_on(plan, len(drafts), reach)
        rows.append(torch.zeros_like(rows[0]))  # its last guess is read only where it is accepted
        started = self._clock()
        logits = self._ensemble.extend(
            [token_id, *drafts],
            last=len(rows),
            known={place: torch.stack(rows)},
            ahead=self._drawing.ahead(drafts, len(rows)),
        )
        others, seconds = self._planner.others[place], self._clock() - started
        self._planner.took(others, len(rows), seconds, acceptance.rate())
        source = self._ensemble.names[place]
        self._count(source, DraftCounts(blocks=1, drafted=len(drafts)))
        return _Block(logits, source, place, drafts, sure, acceptance)

    def _step(self, place: int, token_id: int, drafted: Sequence[int] = ()) -> EnsembleLogits:
        """One evaluation reads a token by itself, which the last of ``drafted`` is, if any."""
        return self._alone[place].extend([token_id], ahead=self._drawing.ahead(drafted))

    def _watch(self, step: TokenStep, block: _Block) -> None:
        """Learn from a drawn token, also of those who might have drafted it."""
        drafter = None
        if block.pending:
            agreed = step.token_id == block.drafts[block.accepted]
            block.acceptance.add(agreed, block.sure[block.accepted])
            self._count(block.source, DraftCounts(tested=1, accepted=int(agreed)))
            drafter = block.drafter
        looked_up = block.pending and block.source == LOOKUP
        if self._match and not looked_up:
            found = self._lookup.draft(self._match, 1)[0]
            self._planner.lookup(self._match.length).add(found == step.token_id)
        if not self._planner.watches(step.index):
            return
        for place, acceptance in enumerate(self._planner.drafts):
            if place != drafter:
                guess, confidence = self._drawing.guess(block.logits.rows[place, block.place])
                acceptance.add(guess == step.token_id, confidence)

    def _count(self, source: str, counts: DraftCounts) -> None:
        self._counts[source] = self._counts.get(source, DraftCounts()) + counts

    def _ask(self) -> None:
        if self._cancelled():
            raise Cancelled
