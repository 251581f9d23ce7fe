"""Recorder of the window's runs: passes them to the history's writer as they are generated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from app.checkpoints.status import RoleInForce
from app.decoding.types import FinishReason
from app.engine.events import RunStats, TokenDecoded
from app.history.records import Ending, NewRun, RunFigures, RunKind, RunModels, new_run_id
from app.history.writer import HistoryWriter
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs


class Recorder(QObject):
    """Records all runs, and maps runs of the window to ids of the history.

    Args:
        runs: The runs of the window.
        writer: The history's writer.
        roles: Returns the loaded roles.
        problem: Returns the last error as text.
    """

    def __init__(
        self,
        runs: Runs,
        writer: HistoryWriter,
        roles: Callable[[], tuple[RoleInForce, ...]],
        problem: Callable[[], str],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._runs = runs
        self._writer = writer
        self._roles = roles
        self._problem = problem
        self._ids: dict[int, str] = {}
        self._undescribed = set[int]()
        self._recording = set[int]()
        runs.replaced.connect(self._on_replaced)
        runs.generation.began.connect(self._on_began)
        runs.generation.decoded.connect(self._on_decoded)
        runs.generation.progressed.connect(self._on_progressed)

    def id_of(self, run: Run) -> str:
        """The id of a run in the history; empty if it has none."""
        return self._ids.get(run.id, "")

    def run_of(self, run_id: str) -> Run | None:
        """The run of the window with this id in the history."""
        return next((run for run in self._runs.all if self._ids.get(run.id) == run_id), None)

    def register(self, run: Run, run_id: str) -> None:
        """Register a run that was read from the history; further tokens are recorded there."""
        self._ids[run.id] = run_id

    def end_all(self) -> None:
        """Record the active runs as stopped, because the window is closing."""
        for run_id in {self._ids[id_] for id_ in self._recording}:
            self._writer.finish(run_id, Ending(FinishReason.CANCELLED))
        self._recording.clear()

    def _on_replaced(self, run: Run, other: Run) -> None:
        self._ids[other.id] = self._ids.pop(run.id, "") or new_run_id()

    def _on_began(self, run: Run) -> None:
        run_id = self._ids.setdefault(run.id, new_run_id())
        self._undescribed.add(run.id)
        self._recording.add(run.id)
        self._writer.begin(
            NewRun(
                run_id,
                run.prompt,
                run.recipe,
                run.recipe.sampling,
                kind=_kind(run),
                role=run.role,
                parent=self._ids.get(run.parent.id, "") if run.parent else "",
                fork_index=min(run.fork, len(run.tokens)),
                drawn_from=run.sampled_from,
                drafts=run.drafts,
                created=run.created,
                length=len(run.tokens) + len(run.unsettled),  # unsettled tokens will be read again
                follows=self._ids.get(run.follows.id, "") if run.follows else "",
                bookmarks=frozenset(run.bookmarks),
            )
        )

    def _on_decoded(self, run: Run, events: list[TokenDecoded]) -> None:
        run_id = self.id_of(run)
        if run.id in self._undescribed:
            self._undescribed.discard(run.id)
            self._writer.describe(run_id, RunModels(self._roles(), run.prompt_tokens, run.labels))
        for event in events:
            reduced = partial(self._runs.budget.set_candidates, event.step)
            self._writer.add(run_id, event.step, event.attribution, reduced)

    def _on_progressed(self, run: Run) -> None:
        if run.active or run.id not in self._recording:
            return
        self._recording.discard(run.id)
        self._writer.finish(
            self.id_of(run),
            Ending(
                finish_reason=run.finish_reason or "",
                error=self._problem() if run.failed else "",
                figures=_figures(run.stats),
            ),
        )


def _kind(run: Run) -> RunKind:
    if run.role is not None:
        return RunKind.ROLE
    return RunKind.SCORED if run.scored else RunKind.GENERATED


def _figures(stats: RunStats | None) -> RunFigures | None:
    if stats is None:
        return None
    return RunFigures(stats.prefill_seconds, stats.tokens_per_second, stats.resident_bytes)
