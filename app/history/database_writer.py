"""Writing events of runs to a history database, in batches."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.attribution.candidates import CandidateRows
from app.checkpoints.conversation import contents
from app.history import provenance
from app.history.blob_encoding import pack_candidates
from app.history.copying import copy_run
from app.history.database import STORAGE_ERRORS, Database
from app.history.recipe_facts import facts_json
from app.history.records import NewRun, RunModels
from app.history.search_index import add_functions, index_some
from app.history.statements import (
    ADD_CANDIDATES,
    ADD_TOKEN,
    TOKEN_COLUMNS,
    run_number,
    storable,
    token_values,
)
from app.history.unreduced_rows import UnreducedRows, find_candidates
from app.history.write_queue import (
    CandidatesFound,
    Item,
    RunBookmarked,
    RunDescribed,
    RunEnded,
    RunRenamed,
    TokenAdded,
)

log = logging.getLogger(__name__)

_MAX_NEW_RUNS = 100
"""Number of recent runs whose start is kept in memory, in case the database has to be replaced."""


@dataclass(slots=True)
class _RunPosition:
    """The row number of a run and the index of its next token."""

    number: int
    next: int


class DatabaseWriter:
    """Writes to one database.

    Args:
        database: The database to write to.
        file: The history file; it may contain runs that are missing in ``database``.
        before: The writer of the previous database, if that failed.
    """

    def __init__(
        self, database: Database, file: Path, before: DatabaseWriter | None = None
    ) -> None:
        self.database = database
        self._file = file
        self._connection = database.connect()
        add_functions(self._connection)
        self._new_runs: dict[str, NewRun] = before._new_runs if before else {}
        self._models: dict[str, RunModels] = before._models if before else {}
        self._positions: dict[str, _RunPosition] = {}
        self._vocabularies: dict[int, tuple[tuple[str, ...], int]] = {}
        self.unreduced: UnreducedRows = before.unreduced if before else UnreducedRows()
        """Tokens that were written without candidates."""

    def close(self) -> None:
        """Close the connection; a database in memory is kept."""
        self.database.disconnect(self._connection)

    def reset(self) -> None:
        """Clear cached row numbers after a batch failed."""
        self._positions.clear()
        self._vocabularies.clear()

    def give_up(self) -> None:
        """Clear what may have caused an error, so that later runs are stored."""
        self.reset()
        self.unreduced = UnreducedRows()

    def write(self, items: Sequence[Item]) -> None:
        """Write ``items`` in one transaction.

        Raises:
            sqlite3.Error: The transaction failed.
        """
        written, self.unreduced = self.unreduced, UnreducedRows(self.unreduced)
        try:
            self._write(items)
        except BaseException:
            self.unreduced = written
            raise

    def _write(self, items: Sequence[Item]) -> None:
        with self.database.transaction(self._connection):
            for item in items:
                if isinstance(item, NewRun):
                    self._begin(item)
                elif isinstance(item, RunDescribed):
                    self._describe(item.run_id, item.models)
                elif isinstance(item, TokenAdded):
                    self._add(item)
                elif isinstance(item, CandidatesFound):
                    self._add_candidates(item)
                elif isinstance(item, RunEnded):
                    self._finish(item)
                elif isinstance(item, RunRenamed):
                    self._rename(item)
                elif isinstance(item, RunBookmarked):
                    self._bookmark(item)

    def index_some(self) -> bool:
        """Bring some changed runs into the search index; whether there were any.

        Raises:
            sqlite3.Error: The transaction failed.
        """
        return index_some(self.database, self._connection)

    def _begin(self, run: NewRun) -> int:
        """Insert a run; if it exists, it is continued with new settings."""
        self._new_runs.pop(run.id, None)
        self._new_runs[run.id] = run  # moves it to the end of the dict
        if len(self._new_runs) > _MAX_NEW_RUNS:
            self._evict(next(iter(self._new_runs)))
        parent = self._position(run.parent) if run.parent else None
        follows = self._position(run.follows) if run.follows else None
        messages = provenance.messages_json(run.prompt)
        values = {
            "id": run.id,
            "kind": run.kind,
            "role": run.role,
            "created": run.created.isoformat(),
            "parent": run.parent if parent else None,
            "fork_index": run.fork_index if parent else None,
            "drawn_from": run.drawn_from,
            "drafts": run.drafts,
            "prompt": storable(contents(run.prompt)),
            "messages": None if messages is None else storable(messages),
            "follows": run.follows if follows else None,
            "recipe": storable(provenance.recipe_to_store(run.recipe)),
            "facts": storable(facts_json(run.recipe)),
            "config": provenance.config_json(run.config),
            "versions": json.dumps(provenance.versions()),
            "bookmarks": provenance.bookmarks_json(run.bookmarks),
        }
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        self._connection.execute(
            f"INSERT INTO run ({names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET "
            "deleted = NULL, recipe = excluded.recipe, facts = excluded.facts, "
            "config = excluded.config, "
            "drawn_from = excluded.drawn_from, drafts = excluded.drafts, "
            "versions = excluded.versions, bookmarks = excluded.bookmarks, ended = NULL, "
            "finish_reason = NULL, error = '', stats = NULL, tokens = NULL, text = NULL, "
            # The parent is not updated: it stores the run's first tokens.
            "fork_index = min(fork_index, :length)",
            {**values, "length": run.length},
        )
        self._positions.pop(run.id, None)
        number = run_number(self._connection, run.id)
        assert number is not None
        self._cut(number, run.id, run.length)
        return number

    def _evict(self, run_id: str) -> None:
        """Forget the start of an old run."""
        del self._new_runs[run_id]
        self._models.pop(run_id, None)
        self._positions.pop(run_id, None)

    def _describe(self, run_id: str, models: RunModels) -> None:
        self._models[run_id] = models
        place = self._position(run_id)
        if place:
            self._connection.execute(
                "UPDATE run SET roles = ?, prompt_tokens = ?, vocabulary = ? WHERE number = ?",
                (
                    provenance.roles_json(models.roles),
                    json.dumps(models.prompt_tokens),
                    self._vocabulary(models.labels),
                    place.number,
                ),
            )

    def _add(self, item: TokenAdded) -> None:
        place = self._position(item.run_id)
        if place is None:
            log.warning("a token of an unknown run was dropped")
            return
        token = item.token
        if token.index < place.next:
            self._cut(place.number, item.run_id, token.index)
            self._connection.execute(  # later tokens of the parent are no longer shared
                "UPDATE run SET fork_index = min(fork_index, ?) WHERE number = ?",
                (token.index, place.number),
            )
        self._connection.execute(ADD_TOKEN, (place.number, *token_values(token)))
        place.next = token.index + 1
        if isinstance(item.rows, CandidateRows):
            self._add_candidates(CandidatesFound(item.run_id, token.index, item.rows))
        else:
            self.unreduced.add(item)

    def _add_candidates(self, item: CandidatesFound) -> None:
        place = self._positions.get(item.run_id)  # of an old run it is forgotten, and stays so
        number = place.number if place else run_number(self._connection, item.run_id)
        if number is not None:
            packed = pack_candidates(item.rows)
            self._connection.execute(ADD_CANDIDATES, (packed, number, item.index))
        self.unreduced.discard(item.run_id, item.index)

    def _cut(self, number: int, run_id: str, index: int) -> None:
        """Delete the tokens of a run from ``index`` on, after copying them to its branches."""
        branches = self._connection.execute(
            "SELECT number, fork_index FROM run WHERE parent = ? AND fork_index > ?",
            (run_id, index),
        ).fetchall()
        unreduced = self.unreduced.take(run_id, index)
        for item in find_candidates(unreduced) if branches else ():
            packed = pack_candidates(item.rows)
            self._connection.execute(ADD_CANDIDATES, (packed, number, item.index))
        for table, columns in (("token", TOKEN_COLUMNS), ("candidates", "position, packed")):
            for branch, fork_index in branches:
                self._connection.execute(
                    f"INSERT INTO {table} (run, {columns}) SELECT ?, {columns} FROM {table} "
                    "WHERE run = ? AND position >= ? AND position < ?",
                    (branch, number, index, fork_index),
                )
            self._connection.execute(
                f"DELETE FROM {table} WHERE run = ? AND position >= ?", (number, index)
            )
        self._connection.executemany(
            "UPDATE run SET fork_index = ?, tokens = NULL, text = NULL WHERE number = ?",
            [(index, branch) for branch, _ in branches],
        )

    def _finish(self, item: RunEnded) -> None:
        place, ending = self._position(item.run_id), item.ending
        if place is None:
            return
        texts = self._connection.execute(
            "SELECT text FROM token WHERE run = ? ORDER BY position", (place.number,)
        ).fetchall()
        self._connection.execute(
            "UPDATE run SET ended = ?, finish_reason = ?, error = ?, stats = ?, tokens = ?, "
            "text = ? WHERE number = ?",
            (
                datetime.now(UTC).isoformat(),
                ending.finish_reason or None,
                storable(ending.error),
                provenance.figures_json(ending.figures),
                len(texts),
                "".join(text for (text,) in texts),
                place.number,
            ),
        )

    def _rename(self, item: RunRenamed) -> None:
        place = self._position(item.run_id)
        if place:
            self._connection.execute(
                "UPDATE run SET title = ? WHERE number = ?",
                (storable(item.title.strip()), place.number),
            )

    def _bookmark(self, item: RunBookmarked) -> None:
        place = self._position(item.run_id)
        if place:
            self._connection.execute(
                "UPDATE run SET bookmarks = ? WHERE number = ?",
                (provenance.bookmarks_json(item.bookmarks), place.number),
            )

    def _position(self, run_id: str) -> _RunPosition | None:
        """The position of a run, or None. Copies the run from the history file if necessary."""
        if run_id in self._positions:
            return self._positions[run_id]
        number = run_number(self._connection, run_id) or self._copy_from_file(run_id)
        if number is None:
            return None
        following = self._connection.execute(
            "SELECT max(token.position) + 1, run.fork_index FROM run LEFT JOIN token "
            "ON token.run = run.number WHERE run.number = ?",
            (number,),
        ).fetchone()
        place = self._positions[run_id] = _RunPosition(number, following[0] or following[1] or 0)
        return place

    def _copy_from_file(self, run_id: str) -> int | None:
        """Copy a run from the history file; if that is unreadable, insert its start from memory."""
        if self.database.path != self._file and self._file.exists():
            with (
                suppress(*STORAGE_ERRORS),
                closing(sqlite3.connect(f"{self._file.as_uri()}?mode=ro", uri=True)) as source,
            ):
                self._connection.execute("SAVEPOINT bring")
                try:
                    number = copy_run(source, self._connection, run_id)
                except STORAGE_ERRORS:
                    self._connection.execute("ROLLBACK TO bring")
                    raise
                if number is not None:
                    return number
        if run_id not in self._new_runs:
            return None
        number = self._begin(self._new_runs[run_id])
        if run_id in self._models:
            self._describe(run_id, self._models[run_id])
        return number

    def _vocabulary(self, labels: tuple[str, ...]) -> int | None:
        """The row number of a vocabulary with these labels, inserted if it is new."""
        if not labels:
            return None
        known = self._vocabularies.get(id(labels))
        if known:
            return known[1]
        text = json.dumps([storable(label) for label in labels]).encode()
        digest = hashlib.sha256(text).hexdigest()
        self._connection.execute(
            "INSERT OR IGNORE INTO vocabulary (digest, labels) VALUES (?, ?)",
            (digest, zlib.compress(text)),
        )
        found = self._connection.execute(
            "SELECT number FROM vocabulary WHERE digest = ?", (digest,)
        ).fetchone()
        number = int(found[0])
        self._vocabularies[id(labels)] = (
            labels,
            number,
        )  # keeps the object alive, so that its id() stays unique
        return number
