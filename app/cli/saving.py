"""Storing a run of the command line in the history while it is generated."""

from __future__ import annotations

from pathlib import Path

from app.engine.events import Event, Failed, Loaded, RunFinished, RunStarted, RunStats, TokenDecoded
from app.errors import HistoryError
from app.history.records import Ending, NewRun, RunFigures, RunModels
from app.history.writer import HistoryWriter

_SECONDS_TO_OPEN = 30.0


class RunSaver:
    """Stores one run after another.

    Args:
        path: The history file.
        run: The first run, which is stored immediately.

    Raises:
        HistoryError: The history cannot be written.
    """

    def __init__(self, path: Path, run: NewRun) -> None:
        self.run_id = run.id
        self._problems: list[HistoryError] = []
        self._loaded: Loaded | None = None
        self._ended = False
        self._writer = HistoryWriter(path, self._problems.append)
        self._writer.start()
        self._writer.begin(run)
        self._writer.flush(_SECONDS_TO_OPEN)
        if self._in_memory:
            self._writer.close()
            self._writer.join()
            raise self._problems[-1]

    def begin(self, run: NewRun) -> None:
        """Store another run, after the end of the one before."""
        self.run_id, self._ended = run.id, False
        self._writer.begin(run)

    @property
    def problems(self) -> list[HistoryError]:
        """Errors to show to the user, such as that a damaged history was set aside."""
        return self._problems

    def receive(self, event: Event) -> None:
        """Record an event of the engine."""
        if isinstance(event, Loaded):
            self._loaded = event
        elif isinstance(event, RunStarted) and self._loaded:
            in_force = RunModels(self._loaded.roles, event.prompt_tokens, self._loaded.token_labels)
            self._writer.describe(self.run_id, in_force)
        elif isinstance(event, TokenDecoded):
            self._writer.add(self.run_id, event.step, event.attribution)
        elif isinstance(event, RunFinished):
            self._finish(Ending(event.finish_reason, figures=figures_of(event.stats)))
        elif isinstance(event, Failed):
            self._finish(Ending(error=str(event.error) if event.error else ""))

    def close(self) -> None:
        """Wait until everything is written.

        Raises:
            HistoryError: The run could not be written.
        """
        if not self._ended:
            self._finish(Ending())
        self._writer.close()
        self._writer.join()
        if self._in_memory:
            raise HistoryError("The run was not saved", evidence=self._problems[-1].cause)

    @property
    def _in_memory(self) -> bool:
        database = self._writer.database
        return database is None or database.in_memory

    def _finish(self, ending: Ending) -> None:
        self._ended = True
        self._writer.finish(self.run_id, ending)


def figures_of(stats: RunStats) -> RunFigures:
    """Time and memory of a run, as the history stores them."""
    return RunFigures(stats.prefill_seconds, stats.tokens_per_second, stats.resident_bytes)
