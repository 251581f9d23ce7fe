"""Writes what comes of runs into one database, a batch at a time."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from app.attribution.candidates import CandidateRows, keep_candidates_of
from app.decoding.types import RoleLogits
from app.history import provenance
from app.history.blob_encoding import pack_candidates
from app.history.copying import copy_run
from app.history.database import TROUBLE, Database
from app.history.records import InForce, NewRun
from app.history.statements import (
    ADD_CANDIDATES,
    ADD_TOKEN,
    TOKEN_COLUMNS,
    number_of,
    storable,
    token_values,
)
from app.history.write_queue import Added, Described, Finished, Item

log = logging.getLogger(__name__)

_REMEMBERED = 100
"""Runs whose beginning is held in memory, for a file that fails while they go on."""


@dataclass(slots=True)
class _Place:
    """Where a run is: its number, and the index of the token that should come next."""

    number: int
    next: int


def packed(items: Sequence[Item]) -> list[Item]:
    """``items`` with full rows reduced to candidates: the work that needs no database."""
    found: list[Item] = []
    for key, alike in groupby(items, key=_reduced_with):
        if key is None:
            found += alike
        else:
            found += _reduced(alike)
    return found


def _reduced_with(item: Item) -> tuple[int, tuple[float, ...]] | None:
    """What positions that are reduced together have in common; None where there are no rows."""
    if isinstance(item, Added) and isinstance(item.rows, RoleLogits):
        return len(item.rows.base), item.token.alphas
    return None


def _reduced(items: Iterable[Item]) -> Iterator[Item]:
    tokens, positions = [], []
    for item in items:
        if isinstance(item, Added) and isinstance(item.rows, RoleLogits):
            tokens.append(item)
            positions.append(item.rows)
    ids = [item.token.token_id for item in tokens]
    kept = keep_candidates_of(positions, tokens[0].token.alphas, ids)
    for item, candidates in zip(tokens, kept, strict=True):
        if item.reduced:
            item.reduced(candidates)
        yield replace(item, rows=candidates)


class Ledger:
    """Writes to one database.

    Args:
        database: What to write to.
        elsewhere: A file that may hold runs that are not in ``database``.
        before: The ledger that this one takes over from.
    """

    def __init__(self, database: Database, elsewhere: Path, before: Ledger | None = None) -> None:
        self.database = database
        self._elsewhere = elsewhere
        self._connection = database.connect()
        self._begun: dict[str, NewRun] = before._begun if before else {}
        self._described: dict[str, InForce] = before._described if before else {}
        self._places: dict[str, _Place] = {}
        self._vocabularies: dict[int, tuple[tuple[str, ...], int]] = {}

    def close(self) -> None:
        """Close the connection; a history in memory stays."""
        self.database.disconnect(self._connection)

    def forget(self) -> None:
        """A batch was not written: what is remembered of the database may be wrong."""
        self._places.clear()
        self._vocabularies.clear()

    def write(self, items: Sequence[Item]) -> None:
        """Write ``items``, all or none.

        Raises:
            sqlite3.Error: When it could not be done.
        """
        with self.database.transaction(self._connection):
            for item in items:
                if isinstance(item, NewRun):
                    self._begin(item)
                elif isinstance(item, Described):
                    self._describe(item.run_id, item.in_force)
                elif isinstance(item, Added):
                    self._add(item)
                elif isinstance(item, Finished):
                    self._finish(item)

    def _begin(self, run: NewRun) -> int:
        """Write the beginning of a run; one that is there already goes on, with other settings."""
        self._begun.pop(run.id, None)
        self._begun[run.id] = run  # the last now
        if len(self._begun) > _REMEMBERED:
            self._forget_run(next(iter(self._begun)))
        parent = self._place(run.parent) if run.parent else None
        values = {
            "id": run.id,
            "kind": run.kind,
            "role": run.role,
            "created": run.created.isoformat(),
            "parent": run.parent if parent else None,
            "fork_index": run.fork_index if parent else None,
            "drawn_from": run.drawn_from,
            "drafts": run.drafts,
            "prompt": storable(run.prompt),
            "recipe": storable(provenance.recipe_to_keep(run.recipe)),
            "config": provenance.config_json(run.config),
            "versions": json.dumps(provenance.versions()),
        }
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        self._connection.execute(
            f"INSERT INTO run ({names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET "
            "deleted = NULL, recipe = excluded.recipe, config = excluded.config, "
            "drawn_from = excluded.drawn_from, drafts = excluded.drafts, "
            "versions = excluded.versions, ended = NULL, "
            "finish_reason = NULL, error = '', stats = NULL, tokens = NULL, text = NULL, "
            # Its parent stays, whatever it hangs on in the window: there are its first tokens.
            "fork_index = min(fork_index, :length)",
            {**values, "length": run.length},
        )
        self._places.pop(run.id, None)
        number = number_of(self._connection, run.id)
        assert number is not None
        self._cut(number, run.id, run.length)
        return number

    def _forget_run(self, run_id: str) -> None:
        """It began long ago: what is to go on is said to begin once more."""
        del self._begun[run_id]
        self._described.pop(run_id, None)
        self._places.pop(run_id, None)

    def _describe(self, run_id: str, in_force: InForce) -> None:
        self._described[run_id] = in_force
        place = self._place(run_id)
        if place:
            self._connection.execute(
                "UPDATE run SET roles = ?, prompt_tokens = ?, vocabulary = ? WHERE number = ?",
                (
                    provenance.roles_json(in_force.roles),
                    json.dumps(in_force.prompt_tokens),
                    self._vocabulary(in_force.labels),
                    place.number,
                ),
            )

    def _add(self, item: Added) -> None:
        place = self._place(item.run_id)
        if place is None:
            log.warning("a token of a run that has not begun is not kept")
            return
        token = item.token
        if token.index < place.next:
            self._cut(place.number, item.run_id, token.index)
            self._connection.execute(  # what it had of its parent beyond is its own now
                "UPDATE run SET fork_index = min(fork_index, ?) WHERE number = ?",
                (token.index, place.number),
            )
        self._connection.execute(ADD_TOKEN, (place.number, *token_values(token)))
        assert isinstance(item.rows, CandidateRows)  # see packed()
        packed_rows = pack_candidates(item.rows)
        self._connection.execute(ADD_CANDIDATES, (place.number, token.index, packed_rows))
        place.next = token.index + 1

    def _cut(self, number: int, run_id: str, index: int) -> None:
        """Take out what a run has from token ``index`` on; its branches keep what they share."""
        branches = self._connection.execute(
            "SELECT number, fork_index FROM run WHERE parent = ? AND fork_index > ?",
            (run_id, index),
        ).fetchall()
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

    def _finish(self, item: Finished) -> None:
        place, ending = self._place(item.run_id), item.ending
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

    def _place(self, run_id: str) -> _Place | None:
        """Where a run is; brought here from elsewhere where that is needed."""
        if run_id in self._places:
            return self._places[run_id]
        number = number_of(self._connection, run_id) or self._bring(run_id)
        if number is None:
            return None
        following = self._connection.execute(
            "SELECT max(token.position) + 1, run.fork_index FROM run LEFT JOIN token "
            "ON token.run = run.number WHERE run.number = ?",
            (number,),
        ).fetchone()
        place = self._places[run_id] = _Place(number, following[0] or following[1] or 0)
        return place

    def _bring(self, run_id: str) -> int | None:
        """A run with what was written of it elsewhere; if that cannot be read, its beginning."""
        if self.database.path != self._elsewhere and self._elsewhere.exists():
            with (
                suppress(*TROUBLE),
                closing(sqlite3.connect(f"{self._elsewhere.as_uri()}?mode=ro", uri=True)) as source,
            ):
                self._connection.execute("SAVEPOINT bring")
                try:
                    number = copy_run(source, self._connection, run_id)
                except TROUBLE:
                    self._connection.execute("ROLLBACK TO bring")
                    raise
                if number is not None:
                    return number
        if run_id not in self._begun:
            return None
        number = self._begin(self._begun[run_id])
        if run_id in self._described:
            self._describe(run_id, self._described[run_id])
        return number

    def _vocabulary(self, labels: tuple[str, ...]) -> int | None:
        """The number of these labels, which are written where they are new."""
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
        self._vocabularies[id(labels)] = (labels, number)  # held, so that its id stays its own
        return number
