"""Edits of stored runs by a person: title, star, tags and the bin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from app.errors import HistoryError
from app.history.archive import Archive
from app.history.database import Database


@dataclass(slots=True, eq=False)
class RunsEdited:
    """An edit of stored runs, as an item of the write queue.

    Attributes:
        run_ids: The runs.
        act: Edits one of them.
        on_end: Called once, with None or the error; on the writer's thread. After an error, the
            runs before the one that failed are edited.
    """

    run_ids: Sequence[str]
    act: Callable[[Archive, str], None]
    on_end: Callable[[HistoryError | None], None]
    _ended: bool = False

    def end(self, error: HistoryError | None = None) -> None:
        """Tell how the edit ended, unless that was told before."""
        if not self._ended:
            self._ended = True
            self.on_end(error)


def carry_out(edit: RunsEdited, database: Database, path: Path) -> None:
    """Edit runs where they are stored: in ``database`` or, if that is in memory, in the file."""
    try:
        with ExitStack() as stack:
            archives = [
                stack.enter_context(closing(archive))
                for archive in readable_archives(database, path)
            ]
            for run_id in edit.run_ids:
                edit.act(archive_with(run_id, archives), run_id)
    except HistoryError as error:
        edit.end(error)
    else:
        edit.end()


def archive_with(run_id: str, archives: Sequence[Archive]) -> Archive:
    """The archive that holds a run; the last one if none does."""
    return next((each for each in archives[:-1] if each.holds(run_id)), archives[-1])


def readable_archives(database: Database, path: Path | None) -> list[Archive]:
    """The database in use; if it is in memory, also the file."""
    archives = [Archive(database)]
    if database.in_memory and path and path.exists():
        with suppress(HistoryError):  # which may be why the history is in memory
            archives.append(Archive(Database(path)))
    return archives
