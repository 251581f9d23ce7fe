"""A list of prompts and their runs, which are generated one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from PySide6.QtCore import QObject, QTimer, Signal

from app.attribution.run_totals import RunTotals, totals_of
from app.checkpoints.conversation import RunPrompt
from app.decoding.types import FinishReason
from app.errors import TuneshiftError
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs


class ListedState(StrEnum):
    """State of a prompt of the list."""

    WAITING = "waiting"
    ACTIVE = "active"
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"


_LEFT = (ListedState.WAITING, ListedState.STOPPED, ListedState.FAILED)


@dataclass(frozen=True, slots=True, eq=False)
class ListedPrompt:
    """A prompt of the list and what its run came to.

    The run itself is in the history; it is not kept, since a list may have thousands of prompts.

    Attributes:
        prompt: The prompt.
        state: Its state.
        run_id: The id of its run in the history; empty before it began.
        finish_reason: Why the run ended; None if it did not.
        totals: Totals of the tokens; None without tokens.
        error: Why the run failed; None if it did not.
    """

    prompt: RunPrompt
    state: ListedState = ListedState.WAITING
    run_id: str = ""
    finish_reason: FinishReason | None = None
    totals: RunTotals | None = None
    error: TuneshiftError | None = None


@dataclass(slots=True, eq=False)
class ListTotals:
    """Totals of a whole list, kept up to date with each run: a list may have thousands.

    Attributes:
        states: Number of prompts in each state.
        runs: Number of runs that have tokens.
        tokens: Number of tokens.
        shift: Sum of the shifts of the tokens, in bits.
        flips: Number of flips.
    """

    states: Counter[ListedState] = field(default_factory=Counter)
    runs: int = 0
    tokens: int = 0
    shift: float = 0.0
    flips: int = 0

    def add(self, listed: ListedPrompt, times: int = 1) -> None:
        """Add what a run came to; with ``times`` = −1, take it out."""
        self.states[listed.state] += times
        found = listed.totals
        if found is not None:
            self.runs += times
            self.tokens += times * found.tokens
            self.shift += times * found.mean_shift * found.tokens
            self.flips += times * found.flips


class PromptListRuns(QObject):
    """Generates a run for each prompt of a list with the current recipe.

    The runs are not in the list of runs of the window, but in the history. A run that is stopped
    ends all; what is left can be generated later. A run that fails is marked, and the next begins,
    unless the models could not be loaded.

    Args:
        runs: The runs of the window.
        id_of: Returns the id of a run in the history.
    """

    changed = Signal()
    """``prompts``, or whether they are being run, changed."""
    row_changed = Signal(int)
    """The prompt at this index changed its state."""

    def __init__(self, runs: Runs, id_of: Callable[[Run], str], parent: QObject) -> None:
        super().__init__(parent)
        self._runs = runs
        self._id_of = id_of
        self._run: Run | None = None
        self._at = -1
        self._stopping = False
        self.prompts: list[ListedPrompt] = []
        self.totals = ListTotals()
        self.running = False
        runs.generation.ended.connect(self._on_ended)

    def add(self, prompts: Iterable[RunPrompt]) -> None:
        """Add prompts at the end of the list."""
        for prompt in prompts:
            self.prompts.append(ListedPrompt(prompt))
            self.totals.add(self.prompts[-1])
        self.changed.emit()

    def clear(self) -> None:
        """Empty the list unless it is being run."""
        if not self.running:
            self.prompts, self.totals = [], ListTotals()
            self.changed.emit()

    @property
    def left(self) -> int:
        """Number of prompts without a complete run, which may have failed; not the active one."""
        return sum(self.totals.states[state] for state in _LEFT)

    def start(self) -> None:
        """Generate what is left of the list, or all of it again if nothing is."""
        if self.running or self._runs.running or not self.prompts:
            return
        if not self.left:
            again = [each.prompt for each in self.prompts]
            self.prompts, self.totals = [], ListTotals()
            self.add(again)
        self.running, self._stopping, self._at = True, False, -1
        self.changed.emit()
        self._begin_next()

    def stop(self) -> None:
        """Stop the active run after its current token, and begin no other."""
        self._stopping = True  # the run may end by itself, or fail, before it is cancelled
        if self._run is not None:
            self._run.cancellation.request()
        else:
            self._end()

    def _begin_next(self) -> None:
        if not self.running or self._run is not None or self._runs.running:
            return
        places = range(self._at + 1, len(self.prompts))  # each prompt at most once
        place = next((at for at in places if self.prompts[at].state in _LEFT), None)
        run = None if place is None else self._runs.generate_aside(self.prompts[place].prompt)
        if place is None or run is None:  # complete, or the window says why no run can begin
            self._end()
            return
        self._run, self._at = run, place
        self._replace(ListedPrompt(run.prompt, ListedState.ACTIVE, self._id_of(run)))

    def _on_ended(self, run: Run) -> None:
        if self.running and run is self._run:
            self._run = None
            self._note(run)
            stopped = self._stopping or run.finish_reason is FinishReason.CANCELLED
            if stopped or run.abandoned:
                self._end()
                return
        if self.running:  # also after another run, which was started between two of the list
            QTimer.singleShot(0, self, self._begin_next)

    def _note(self, run: Run) -> None:
        """Note what a run came to."""
        stopped = run.finish_reason is FinishReason.CANCELLED
        ended = ListedState.STOPPED if stopped else ListedState.ENDED
        listed = replace(
            self.prompts[self._at],
            state=ListedState.FAILED if run.failed else ended,
            finish_reason=run.finish_reason,
            totals=totals_of(run.series),
            error=run.error,
        )
        run.rows.forget()
        self._replace(listed)

    def _replace(self, listed: ListedPrompt) -> None:
        """Replace the prompt of the active run by what is known of it now."""
        self.totals.add(self.prompts[self._at], -1)
        self.totals.add(listed)
        self.prompts[self._at] = listed
        self.row_changed.emit(self._at)

    def _end(self) -> None:
        self.running = False
        self.changed.emit()
