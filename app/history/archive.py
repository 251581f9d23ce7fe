"""Searching, reading and editing the runs of one history database."""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.errors import (
    Cancelled,
    HistoryError,
    PromptError,
    RecipeError,
    SettingsError,
    TuneshiftError,
)
from app.history import provenance
from app.history.blob_encoding import unpack_candidates
from app.history.database import STORAGE_ERRORS, Database, history_error
from app.history.records import RunKind, RunSummary, StoredRun
from app.history.search_index import add_functions, condition
from app.history.statements import read_tokens, run_number, segments, storable

log = logging.getLogger(__name__)

LAST = "last"
BIN_RETENTION = timedelta(days=30)
_OPENING_LENGTH = 300
_PART = 100
_STEPS = 1000  # of SQLite's virtual machine, between two questions for cancellation
_UNREADABLE = (ValueError, TypeError, zlib.error, RecipeError, SettingsError, PromptError)
_END = 2**62

_SUMMARY = f"""
    SELECT run.number, run.id, run.kind, run.created, run.title, run.starred,
        CASE WHEN run.messages IS NULL THEN run.prompt
            WHEN json_valid(run.messages) THEN json_extract(run.messages, '$[#-1].content')
        END,
        coalesce(substr(run.text, 1, {_OPENING_LENGTH}), (
            SELECT group_concat(text, '') FROM (
                SELECT text FROM token WHERE run = run.number ORDER BY position LIMIT 60
            )
        ), ''),
        run.recipe, run.facts, run.config, coalesce(run.parent, ''), coalesce(run.fork_index, 0),
        coalesce(run.tokens, (SELECT count(*) FROM token WHERE run = run.number)),
        run.ended, coalesce(run.finish_reason, ''), run.error, run.deleted,
        (SELECT json_group_array(name) FROM (
            SELECT name FROM tag WHERE tag.run = run.number ORDER BY name
        )),
        run.role, coalesce(run.follows, ''), run.messages IS NOT NULL
    FROM run
"""


@dataclass(frozen=True, slots=True)
class Query:
    """Filter for a list of runs.

    Attributes:
        words: Words that must all occur in title, prompt (with all messages of a conversation),
            text, tags, or in what ``run_search`` adds: models, recipe, pairs, settings and time.
        tag: Only runs with this tag; empty for any.
        starred: Only runs with a star.
        deleted: Only runs in the bin; by default, only runs outside it.
    """

    words: str = ""
    tag: str = ""
    starred: bool = False
    deleted: bool = False


class Archive:
    """Reads and edits stored runs. An instance must be used on one thread.

    Args:
        database: The history database.

    Raises:
        HistoryError: In every method: the database cannot be used, or the named run does not exist.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connect()
        add_functions(self._connection)

    def close(self) -> None:
        self._database.disconnect(self._connection)

    # Searching

    def find(self, query: Query = Query(), most: int = 1000) -> list[RunSummary]:
        """The runs that match ``query``, newest first, without damaged rows."""
        return [summary for part in self.find_in_parts(query, most) for summary in part]

    def find_in_parts(
        self,
        query: Query = Query(),
        most: int = 1000,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[list[RunSummary]]:
        """The runs that match ``query``, newest first, in parts as they are found.

        Args:
            query: The filter.
            most: How many runs are found at most.
            cancelled: Asked again and again, also while no run is found.

        Raises:
            Cancelled: When ``cancelled`` says so.
        """
        conditions = ["run.deleted IS NOT NULL" if query.deleted else "run.deleted IS NULL"]
        values: list[object] = []
        if query.starred:
            conditions.append("run.starred")
        if query.tag:
            conditions.append("EXISTS (SELECT 1 FROM tag WHERE tag.run = run.number AND name = ?)")
            values.append(query.tag)
        with self._translated_errors(), self._stopped_when(cancelled):
            if query.words.strip():
                words, sought = condition(self._connection, storable(query.words))
                conditions.append(words)
                values += sought
            rows = self._connection.execute(
                f"{_SUMMARY} WHERE {' AND '.join(conditions)} ORDER BY run.number DESC LIMIT ?",
                (*values, most),
            )
            while part := rows.fetchmany(_PART):
                if cancelled():
                    raise Cancelled
                yield [summary for row in part if (summary := _summary_or_none(row))]

    @contextmanager
    def _stopped_when(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Interrupt the statements of the block once ``cancelled`` says so."""
        self._connection.set_progress_handler(cancelled, _STEPS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise Cancelled from error
            raise
        finally:
            self._connection.set_progress_handler(None, 0)

    def tags(self) -> list[str]:
        """All tags in use, in alphabetical order."""
        with self._translated_errors():
            rows = self._connection.execute(
                "SELECT DISTINCT name FROM tag JOIN run ON run.number = tag.run "
                "WHERE run.deleted IS NULL ORDER BY name"
            ).fetchall()
            return [str(name) for (name,) in rows]

    def resolve(self, name: str) -> str:
        """The run id for ``name``: an id, a unique prefix of an id, or ``last``."""
        with self._translated_errors():
            if name == LAST:
                rows = self._connection.execute(
                    "SELECT id FROM run WHERE deleted IS NULL ORDER BY number DESC LIMIT 1"
                ).fetchall()
            else:
                rows = self._connection.execute(
                    "SELECT id FROM run WHERE id = ? OR substr(id, 1, length(?)) = ? "
                    "ORDER BY id = ? DESC LIMIT 3",
                    (name, name, name, name),
                ).fetchall()
        ids = [str(row[0]) for row in rows]
        if not name or not ids:
            raise HistoryError(
                "The history has no runs yet" if name == LAST else f"There is no run “{name}”",
                next_step="See: tuneshift inspect --list",
            )
        if len(ids) > 1 and ids[0] != name:
            raise HistoryError(
                f"“{name}” is a prefix of several run ids",
                evidence=", ".join(ids),
                next_step="Give more characters of the id.",
            )
        return ids[0]

    # Reading

    def holds(self, run_id: str) -> bool:
        """Whether a run with this id exists."""
        with self._translated_errors():
            return run_number(self._connection, run_id) is not None

    def get(self, run_id: str) -> StoredRun:
        """Everything stored about a run except its tokens."""
        with self._translated_errors():
            number = self._number(run_id)
            summary = _summary(
                self._connection.execute(f"{_SUMMARY} WHERE run.number = ?", (number,)).fetchone()
            )
            (role, recipe, config, drawn_from, drafts, roles, versions, prompt_tokens, stats,
             vocabulary, messages, bookmarks) = self._connection.execute(
                "SELECT role, recipe, config, drawn_from, drafts, roles, versions, prompt_tokens, "
                "stats, vocabulary, messages, bookmarks FROM run WHERE number = ?",
                (number,),
            ).fetchone()  # fmt: skip
            return StoredRun(
                summary=summary,
                conversation=provenance.conversation_from_store(messages),
                role=role,
                recipe=provenance.recipe_from_store(recipe),
                recipe_text=recipe,
                config=provenance.config_of(config),
                drawn_from=drawn_from,
                drafts=drafts is None or bool(drafts),
                roles=provenance.roles_of(roles),
                versions=json.loads(versions),
                prompt_tokens=tuple(json.loads(prompt_tokens)),
                figures=provenance.figures_of(stats),
                labels=self._labels(vocabulary),
                bookmarks=provenance.bookmarks_of(bookmarks),
            )

    def tokens(self, run_id: str) -> list[ExplainedToken]:
        """All tokens of a run, including those before its fork that its ancestors store."""
        with self._translated_errors():
            parts = segments(self._connection, self._number(run_id))
            return [token for part in parts for token in read_tokens(self._connection, *part)]

    def answers_before(self, run_id: str) -> list[str]:
        """The ids of the runs with the earlier answers of a conversation, oldest first."""
        with self._translated_errors():
            found: list[str] = []
            number = self._number(run_id)
            while True:
                row = self._connection.execute(
                    "SELECT before.number, before.id FROM run JOIN run before "
                    "ON before.id = run.follows WHERE run.number = ?",
                    (number,),
                ).fetchone()
                if row is None or row[0] >= number:  # it has a smaller number, unless damaged
                    return found[::-1]
                number = row[0]
                found.append(row[1])

    def candidates(self, run_id: str, index: int) -> CandidateRows | None:
        """The candidates of one token, or None if none are stored."""
        return next((rows for _, rows in self.all_candidates(run_id, index, index + 1)), None)

    def all_candidates(
        self, run_id: str, first: int = 0, last: int = _END
    ) -> Iterator[tuple[int, CandidateRows]]:
        """Index and candidates of the tokens, from ``first`` to before ``last``, that have some."""
        with self._translated_errors():
            for number, start, end in segments(self._connection, self._number(run_id)):
                rows = self._connection.execute(
                    "SELECT position, packed FROM candidates WHERE run = ? AND position >= ? "
                    "AND position < ? ORDER BY position",
                    (number, max(start, first), min(end, last)),
                )
                for position, packed in rows:
                    yield position, unpack_candidates(packed)

    def _labels(self, vocabulary: int | None) -> tuple[str, ...]:
        if vocabulary is None:
            return ()
        row = self._connection.execute(
            "SELECT labels FROM vocabulary WHERE number = ?", (vocabulary,)
        ).fetchone()
        return _labels(row[0])

    # Editing

    def rename(self, run_id: str, title: str) -> None:
        """Set the title of a run; an empty title shows the first words of its prompt."""
        self._set(run_id, "title", storable(title.strip()))

    def star(self, run_id: str, starred: bool) -> None:
        """Set or remove the star of a run."""
        self._set(run_id, "starred", starred)

    def set_tags(self, run_id: str, tags: Iterable[str]) -> None:
        """Replace the tags of a run."""
        names = sorted({storable(tag.strip()) for tag in tags} - {""})
        with self._translated_errors(), self._database.transaction(self._connection):
            number = self._number(run_id)
            self._connection.execute("DELETE FROM tag WHERE run = ?", (number,))
            self._connection.executemany(
                "INSERT INTO tag (run, name) VALUES (?, ?)", [(number, name) for name in names]
            )

    def delete(self, run_id: str) -> None:
        """Move a run to the bin."""
        self._set(run_id, "deleted", datetime.now(UTC).isoformat())

    def undelete(self, run_id: str) -> None:
        """Restore a run from the bin."""
        self._set(run_id, "deleted", None)

    def purge(self, retention: timedelta = BIN_RETENTION) -> int:
        """Erase runs that have been in the bin longer than ``retention`` and have no branches.

        Returns:
            The number of erased runs.
        """
        before = (datetime.now(UTC) - retention).isoformat()
        erased = 0
        with self._translated_errors(), self._database.transaction(self._connection):
            while True:  # erasing a run may leave its parent without branches
                count = self._connection.execute(
                    "DELETE FROM run WHERE deleted <= ? AND id NOT IN "
                    "(SELECT parent FROM run WHERE parent IS NOT NULL)",
                    (before,),
                ).rowcount
                erased += count
                if not count:
                    return erased

    def _set(self, run_id: str, column: str, value: object) -> None:
        with self._translated_errors(), self._database.transaction(self._connection):
            number = self._number(run_id)
            self._connection.execute(
                f"UPDATE run SET {column} = ? WHERE number = ?", (value, number)
            )

    def _number(self, run_id: str) -> int:
        number = run_number(self._connection, run_id)
        if number is None:
            raise HistoryError(
                f"There is no run “{run_id}”", next_step="See: tuneshift inspect --list"
            )
        return number

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except STORAGE_ERRORS as error:
            raise history_error(error, self._database.path) from error
        except _UNREADABLE as error:
            raise HistoryError(
                "A run in the history cannot be read", evidence=str(error)
            ) from error


def _summary_or_none(row: tuple[Any, ...]) -> RunSummary | None:
    try:
        return _summary(row)
    except (ValueError, TypeError, IndexError, TuneshiftError):
        log.warning("a damaged run of the history was skipped")
        return None


def _summary(row: tuple[Any, ...]) -> RunSummary:
    (_, id_, kind, created, title, starred, prompt, opening, recipe, facts, config, parent,
     fork_index, tokens, ended, finish_reason, error, deleted, tags, role,
     follows, is_answer) = row  # fmt: skip
    if not isinstance(prompt, str):
        raise ValueError("the messages are damaged")
    return RunSummary(
        id=id_,
        kind=RunKind(kind),
        created=datetime.fromisoformat(created),
        title=title,
        starred=bool(starred),
        tags=tuple(json.loads(tags)),
        prompt=prompt,
        opening=opening,
        facts=provenance.facts_from_store(facts, recipe),
        config=provenance.config_of(config),
        parent=parent,
        fork_index=fork_index,
        tokens=fork_index + tokens,
        ended=ended is not None,
        finish_reason=finish_reason,
        error=error,
        deleted=datetime.fromisoformat(deleted) if deleted else None,
        role=role,
        role_pair=provenance.facts_from_store(facts, recipe).pairs[(role - 1) // 2] if role else "",
        follows=follows,
        is_answer=bool(is_answer),
    )


@lru_cache(maxsize=4)
def _labels(packed: bytes) -> tuple[str, ...]:
    return tuple(json.loads(zlib.decompress(packed)))
