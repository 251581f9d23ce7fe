"""Reading of the history on any thread, on connections of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.errors import HistoryError
from app.history.archive import Archive, Query
from app.history.export.document import Document, read_document
from app.history.records import RunSummary, StoredRun
from app.history.run_edits import archive_with, readable_archives
from app.history.writer import HistoryWriter

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class ReadRuns:
    """A run as it is stored, with the earlier answers of its conversation.

    Attributes:
        ids: The ids of the earlier answers, oldest first, and of the run.
        runs: The runs that were read, with their tokens, by their ids.
        errors: The errors of earlier answers that could not be read.
    """

    ids: Sequence[str]
    runs: Mapping[str, tuple[StoredRun, list[ExplainedToken]]]
    errors: Sequence[HistoryError] = ()

    @property
    def last(self) -> tuple[StoredRun, list[ExplainedToken]]:
        """The run itself."""
        return self.runs[self.ids[-1]]


class HistoryReader:
    """Finds and reads stored runs. Reading may take long, and is not for the window's thread.

    If the history is in memory because the file cannot be written, runs in memory come before
    those of the file.

    Args:
        writer: The writer, whose database is read; None for an empty history.
        path: The history file.
    """

    def __init__(self, writer: HistoryWriter | None = None, path: Path | None = None) -> None:
        self._writer = writer
        self._path = path

    def find_in_parts(
        self, query: Query, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[list[RunSummary]]:
        """The matching runs, newest first, in parts as they are found.

        Raises:
            HistoryError: The history cannot be read.
            Cancelled: When ``cancelled`` says so.
        """
        seen = set[str]()
        with self._archives() as archives:
            for archive in archives:
                for part in archive.find_in_parts(query, cancelled=cancelled):
                    yield [run for run in part if run.id not in seen]
                    seen.update(run.id for run in part)

    def tags(self) -> list[str]:
        """All tags.

        Raises:
            HistoryError: The history cannot be read.
        """
        with self._archives() as archives:
            return sorted({tag for archive in archives for tag in archive.tags()})

    def read(self, run_id: str, known: Collection[str] = ()) -> ReadRuns:
        """A run with the earlier answers of its conversation, without those in ``known``.

        Raises:
            HistoryError: The run cannot be read.
        """
        with self._archives() as archives:
            if not archives:
                raise HistoryError(
                    "The history is not open yet", next_step="Try again in a moment."
                )
            archive = archive_with(run_id, archives)
            stored = archive.get(run_id)
            runs = {run_id: (stored, archive.tokens(run_id))}
            errors: list[HistoryError] = []
            is_answer = stored.conversation is not None and stored.role is None
            before = archive.answers_before(run_id) if is_answer else []
            for each in before:
                if each not in known:
                    try:
                        runs[each] = (archive.get(each), archive.tokens(each))
                    except HistoryError as error:
                        errors.append(error)
            return ReadRuns([*before, run_id], runs, errors)

    def document(self, run_id: str) -> Document:
        """The current content of a run, for exports. Waits for what is still being written.

        Raises:
            HistoryError: The run cannot be read.
        """
        return self.documents([run_id])[0]

    def documents(
        self,
        run_ids: Sequence[str],
        *,
        tokens_only: bool = False,
        watch: Callable[[int], None] = lambda done: None,
    ) -> list[Document]:
        """The current content of runs; see :meth:`document` and ``read_document``.

        Raises:
            HistoryError: A run cannot be read.
            Cancelled: When ``watch`` says so.
        """
        if self._writer:
            self._writer.flush(_PATIENCE_SECONDS)
        found = []
        with self._archives() as archives:
            for run_id in run_ids:
                held = next((archive for archive in archives if archive.holds(run_id)), None)
                if held is None:
                    raise HistoryError(f"There is no run “{run_id}” in the history")
                found.append(read_document(held, run_id, tokens_only=tokens_only, watch=watch))
        return found

    def candidates(self, run_id: str, first: int, end: int) -> dict[int, CandidateRows]:
        """The stored candidates of the tokens from ``first`` to before ``end``, by their index.

        Raises:
            HistoryError: They cannot be read.
        """
        with self._archives() as archives:
            held = next((archive for archive in archives if archive.holds(run_id)), None)
            return dict(held.all_candidates(run_id, first, end)) if held else {}

    @contextmanager
    def _archives(self) -> Iterator[list[Archive]]:
        database = self._writer.database if self._writer else None
        with ExitStack() as open_archives:
            yield [
                open_archives.enter_context(closing(archive))
                for archive in (readable_archives(database, self._path) if database else ())
            ]
