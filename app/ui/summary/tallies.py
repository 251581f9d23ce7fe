"""Statistics of runs, counted in slices of a few milliseconds so that the window responds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QTimer, Signal

from app.attribution.explained_token import ExplainedToken
from app.attribution.shapley import MOST_EXACT_PAIRS
from app.attribution.summary import BASE, Role, RoleKind, Tally, small_model_logprobs
from app.errors import HistoryError
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs

_SLICE_SECONDS = 0.006
_PAUSE_MS = 8
_EMIT_SECONDS = 0.3


@dataclass(slots=True, eq=False)
class _Counted:
    """Statistics of a run, and the number of its tokens that they include."""

    pairs: tuple[str, ...]
    tally: Tally = field(default_factory=Tally)
    tokens: int = 0


class Tallies(QObject):
    """Statistics of the runs shown in the Summary tab.

    Counting continues in slices while a run grows, and resumes where it stopped.
    """

    changed = Signal()
    """Tokens were counted; at most a few times a second, and when all are counted."""

    def __init__(self, runs: Runs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._counted: dict[Run, _Counted] = {}
        self._wanted: list[Run] = []
        self._emitted_at = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._count_on)
        runs.generation.progressed.connect(self._on_progress)
        runs.list_changed.connect(self._forget_removed)

    def count_only(self, runs: Sequence[Run]) -> None:
        """Count only the tokens of ``runs``; an empty sequence stops counting."""
        self._wanted = list(runs)
        if self.waiting:
            self._timer.start()

    def of(self, run: Run) -> Tally:
        """Statistics of the counted tokens of a run."""
        counted = self._counted.get(run)
        return counted.tally if counted else Tally()

    @property
    def waiting(self) -> int:
        """Number of tokens that are not counted yet."""
        return sum(len(run.tokens) - self._counted_tokens(run) for run in self._wanted)

    def _counted_tokens(self, run: Run) -> int:
        counted = self._counted.get(run)
        return counted.tokens if counted else 0

    def _count_on(self) -> None:
        """Count for one slice of time."""
        now = time.monotonic()
        end = now + _SLICE_SECONDS
        for run in self._wanted:
            counted = self._counted.setdefault(run, _Counted(pairs_of(run)))
            while counted.tokens < len(run.tokens) and time.monotonic() < end:
                _count(run, run.tokens[counted.tokens], counted)
                counted.tokens += 1
        done = not self.waiting
        if done:
            self._timer.stop()
        if done or now - self._emitted_at > _EMIT_SECONDS:
            self._emitted_at = now
            self.changed.emit()

    def _on_progress(self, run: Run) -> None:
        if run in self._wanted and not self._timer.isActive():
            # Tokens that arrive while the timer runs are counted by its next slices.
            self._timer.start()

    def _forget_removed(self) -> None:
        for run in [run for run in self._counted if run not in self._runs.all]:
            del self._counted[run]


def pairs_of(run: Run) -> tuple[str, ...]:
    """Distinct names of the pairs of a run's recipe."""
    return _distinct(tuple(pair.name for pair in run.recipe.pairs))


def role_of(run: Run) -> Role:
    """The role that generated a run alone."""
    if not run.role:
        return BASE
    pair, antiexpert = divmod(run.role - 1, 2)
    return Role(RoleKind.ANTIEXPERT if antiexpert else RoleKind.EXPERT, pairs_of(run)[pair])


def _count(run: Run, token: ExplainedToken, counted: _Counted) -> None:
    tally, pairs = counted.tally, counted.pairs
    if run.role is not None:
        tally.add_alone(token, role_of(run))
        return
    tally.add(token, run.label(token.token_id), pairs, sampled=len(pairs) > MOST_EXACT_PAIRS)
    try:
        found = small_model_logprobs(run.rows, token.index, token.token_id)
    except HistoryError:  # rows of opened runs are read from the history
        found = None
    if found is None:
        return
    for kind, logprobs in zip((RoleKind.EXPERT, RoleKind.ANTIEXPERT), found, strict=True):
        for pair, logprob in zip(pairs, logprobs, strict=True):
            tally.add_logprob(Role(kind, pair), logprob, token.text)


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, with a number appended to repeated ones."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(found)
