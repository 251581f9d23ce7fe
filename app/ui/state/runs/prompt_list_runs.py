"""A list of prompts and their runs, which are generated one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, QTimer, Signal

from app.attribution.run_totals import RunTotals, totals_of
from app.checkpoints.conversation import RunPrompt
from app.decoding.types import FinishReason
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs


class ListedState(StrEnum):
    """State of a prompt of the list."""

    WAITING = "waiting"
    ACTIVE = "active"
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class ListedPrompt:
    """A prompt of the list and what its run came to.

    The run itself is in the history; it is not kept, since a list may have thousands of prompts.

    Attributes:
        prompt: The prompt.
        state: Its state.
        run_id: The id of its run in the history; empty before it began.
        finish_reason: Why the run ended; None if it did not.
        totals: Totals of the tokens; None without tokens.
    """

    prompt: RunPrompt
    state: ListedState = ListedState.WAITING
    run_id: str = ""
    finish_reason: FinishReason | None = None
    totals: RunTotals | None = None


class PromptListRuns(QObject):
    """Generates a run for each prompt of a list with the current recipe.

    The runs are not in the list of runs of the window, but in the history. A run that is stopped
    ends all; what is left can be generated later. A run that fails is marked, and the next begins.

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
        self._at = 0
        self.prompts: list[ListedPrompt] = []
        self.running = False
        runs.generation.ended.connect(self._on_ended)

    def add(self, prompts: Iterable[RunPrompt]) -> None:
        """Add prompts at the end of the list."""
        self.prompts.extend(ListedPrompt(prompt) for prompt in prompts)
        self.changed.emit()

    def clear(self) -> None:
        """Empty the list unless it is being run."""
        if not self.running:
            self.prompts = []
            self.changed.emit()

    @property
    def ended(self) -> list[ListedPrompt]:
        """The prompts whose runs have ended by themselves."""
        return [each for each in self.prompts if each.state is ListedState.ENDED]

    @property
    def waiting(self) -> int:
        """Number of prompts without a complete run."""
        left = (ListedState.WAITING, ListedState.STOPPED)
        return sum(each.state in left for each in self.prompts)

    def start(self) -> None:
        """Generate what is left of the list, or all of it again if nothing is."""
        if self.running or self._runs.running or not self.prompts:
            return
        if not self.waiting:
            self.prompts = [ListedPrompt(each.prompt) for each in self.prompts]
        self.running = True
        self._begin_next()

    def stop(self) -> None:
        """Stop the active run after its current token, and begin no other."""
        if self._run is not None:
            self._run.cancellation.request()
        else:
            self._end()

    def _begin_next(self) -> None:
        if not self.running or self._run is not None or self._runs.running:
            return
        left = (ListedState.WAITING, ListedState.STOPPED)
        place = next((at for at, each in enumerate(self.prompts) if each.state in left), None)
        run = None if place is None else self._runs.generate_aside(self.prompts[place].prompt)
        if place is None or run is None:  # complete, or the window says why no run can begin
            self._end()
            return
        self._run, self._at = run, place
        fresh = ListedPrompt(run.prompt, ListedState.ACTIVE, self._id_of(run))
        self.prompts[place] = fresh
        self.changed.emit()
        self.row_changed.emit(place)

    def _on_ended(self, run: Run) -> None:
        if self.running and run is self._run:
            self._run = None
            self._note(run)
            if run.finish_reason is FinishReason.CANCELLED:
                self._end()
                return
        if self.running:  # also after another run, which was started between two of the list
            QTimer.singleShot(0, self, self._begin_next)

    def _note(self, run: Run) -> None:
        """Note what a run came to."""
        listed = self.prompts[self._at]
        listed.finish_reason, listed.totals = run.finish_reason, totals_of(run.series)
        stopped = run.finish_reason is FinishReason.CANCELLED
        ended = ListedState.STOPPED if stopped else ListedState.ENDED
        listed.state = ListedState.FAILED if run.failed else ended
        run.rows.forget()
        self.row_changed.emit(self._at)

    def _end(self) -> None:
        self.running = False
        self.changed.emit()
