"""The full-text index of runs: what a search looks at, folded, in an FTS5 table of trigrams.

Triggers of the schema note in ``unindexed`` which runs have changed (:mod:`app.history.schema`),
and the writer indexes them when it has nothing else to do. A search asks the index about most runs
and reads the others one by one, so that it is complete at any time: while an old history is being
indexed, for runs that have not ended, and with a Python whose SQLite lacks FTS5.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from app.errors import TuneshiftError
from app.history import provenance
from app.history.database import Database
from app.history.run_search import fold, is_setting, matches, searchable

_SLICE = 20

_SEARCHED = """
    run.title || ' ' || run.prompt || ' ' || coalesce(run.text, (
        SELECT group_concat(text, '') FROM (
            SELECT text FROM token WHERE run = run.number ORDER BY position
        )
    ), '') || ' ' || coalesce((
        SELECT group_concat(name, ' ') FROM tag WHERE tag.run = run.number
    ), '') || ' ' || searchable(run.facts, run.recipe, run.config, run.created)
"""
_CREATE = """
    CREATE VIRTUAL TABLE IF NOT EXISTS run_text
    USING fts5 (text, detail = none, tokenize = 'trigram case_sensitive 1')
"""


def add_functions(connection: sqlite3.Connection) -> None:
    """Define the SQL functions that the statements of this module call."""
    connection.create_function("holds", 2, matches, deterministic=True)
    connection.create_function("searchable", 4, _searchable, deterministic=True)
    connection.create_function("fold", 1, fold, deterministic=True)


def condition(connection: sqlite3.Connection, words: str) -> tuple[str, list[str]]:
    """The SQL condition, with its parameters, that a row of ``run`` holds all ``words``."""
    each = f"holds({_SEARCHED}, ?)"
    if not _has_index(connection):
        return each, [words]
    indexed, values = _indexed(fold(words).split())
    return (
        f"CASE WHEN run.number IN (SELECT run FROM unindexed) THEN {each} ELSE {indexed} END",
        [words, *values],
    )


def _indexed(words: list[str]) -> tuple[str, list[str]]:
    """The condition that the indexed text of a run holds all ``words``.

    The index says quickly which texts have all the trigrams of the words; these texts are read.
    """
    trigrams = {word[at : at + 3] for word in words for at in range(len(word) - 2)}
    phrases = " ".join('"{}"'.format(some.replace('"', '""')) for some in sorted(trigrams))
    settings = [word for word in words if is_setting(word)]
    each = ["instr(text, ?)"] * len(words) + ["holds(text, ?)"] * len(settings)
    read = f"SELECT 1 FROM run_text WHERE rowid = run.number AND {' AND '.join(each)}"
    likely = "run.number IN (SELECT rowid FROM run_text WHERE run_text MATCH ?) AND "
    return f"{likely if phrases else ''}EXISTS ({read})", [
        *filter(None, [phrases]),
        *words,
        *settings,
    ]


def _has_index(connection: sqlite3.Connection) -> bool:
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'run_text'").fetchone()
    return bool(made) and _can_index(connection)


def _can_index(connection: sqlite3.Connection) -> bool:
    modules = "SELECT 1 FROM pragma_module_list WHERE name = 'fts5'"
    return sqlite3.sqlite_version_info >= (3, 34) and bool(connection.execute(modules).fetchone())


def index_some(database: Database, connection: sqlite3.Connection) -> bool:
    """Bring up to 20 changed runs into the index, in one transaction; whether there were any.

    Runs that have not ended are left out, since each token would change them.

    Args:
        database: The database of ``connection``.
        connection: A connection with :func:`add_functions`, outside a transaction.

    Raises:
        sqlite3.Error: The transaction failed.
    """
    if not _can_index(connection):
        return False
    due = (
        "SELECT unindexed.run FROM unindexed LEFT JOIN run ON run.number = unindexed.run "
        f"WHERE run.number IS NULL OR run.ended IS NOT NULL LIMIT {_SLICE}"
    )
    if connection.execute(due).fetchone() is None:
        return False
    with database.transaction(connection):
        connection.execute(_CREATE)
        changed = connection.execute(due).fetchall()
        for statement in (
            "DELETE FROM run_text WHERE rowid = ?",
            f"INSERT INTO run_text (rowid, text) SELECT number, fold({_SEARCHED}) FROM run "
            "WHERE number = ?",
            "DELETE FROM unindexed WHERE run = ?",
        ):
            connection.executemany(statement, changed)
    return True


def _searchable(facts: str | None, recipe: str, config: str, created: str) -> str:
    try:
        return searchable(
            provenance.facts_from_store(facts, recipe),
            provenance.config_of(config),
            datetime.fromisoformat(created),
        )
    except (ValueError, TypeError, LookupError, TuneshiftError):
        return ""  # a damaged run is found by its text
