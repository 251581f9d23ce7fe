"""Writes a run of the terminal into the history as it happens."""

from __future__ import annotations

from pathlib import Path

from app.engine.events import Event, Failed, Loaded, RunFinished, RunStarted, RunStats, TokenDecoded
from app.errors import HistoryError
from app.history.records import Ending, InForce, NewRun, RunFigures
from app.history.writer import HistoryWriter

_SECONDS_TO_OPEN = 30.0


class Saving:
    """Saves one run.

    Args:
        path: The file of the history.
        run: The run, which begins now.

    Raises:
        HistoryError: When runs cannot be written there.
    """

    def __init__(self, path: Path, run: NewRun) -> None:
        self.run_id = run.id
        self._told: list[HistoryError] = []
        self._loaded: Loaded | None = None
        self._ended = False
        self._writer = HistoryWriter(path, self._told.append)
        self._writer.start()
        self._writer.begin(run)
        self._writer.flush(_SECONDS_TO_OPEN)
        if self._in_memory:
            self._writer.close()
            self._writer.join()
            raise self._told[-1]

    @property
    def notes(self) -> list[HistoryError]:
        """What the person has to know, such as that a damaged history was set aside."""
        return self._told

    def receive(self, event: Event) -> None:
        """Take an event of the engine."""
        if isinstance(event, Loaded):
            self._loaded = event
        elif isinstance(event, RunStarted) and self._loaded:
            in_force = InForce(self._loaded.roles, event.prompt_tokens, self._loaded.token_labels)
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
            HistoryError: When it could not be.
        """
        if not self._ended:
            self._finish(Ending())
        self._writer.close()
        self._writer.join()
        if self._in_memory:
            raise HistoryError("The run was not saved", evidence=self._told[-1].cause)

    @property
    def _in_memory(self) -> bool:
        database = self._writer.database
        return database is None or database.in_memory

    def _finish(self, ending: Ending) -> None:
        self._ended = True
        self._writer.finish(self.run_id, ending)


def figures_of(stats: RunStats) -> RunFigures:
    """What the history keeps of the figures of a run."""
    return RunFigures(stats.prefill_seconds, stats.tokens_per_second, stats.resident_bytes)
