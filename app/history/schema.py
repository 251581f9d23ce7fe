"""The tables of the history, as the steps from one version of them to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

Statements = tuple[str, ...]

_FIRST: Statements = (
    # All labels of a vocabulary, once: a zlib-compressed JSON list, by the SHA-256 of that list.
    """
    CREATE TABLE vocabulary (
        number INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        labels BLOB NOT NULL
    )
    """,
    # Runs in the order in which they began; a clock that is set back does not change it.
    """
    CREATE TABLE run (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        role INTEGER,              -- of kind “role”: its place in the recipe
        created TEXT NOT NULL,     -- ISO 8601, UTC
        title TEXT NOT NULL DEFAULT '',
        starred INTEGER NOT NULL DEFAULT 0,
        deleted TEXT,              -- since when; NULL is not
        parent TEXT REFERENCES run (id),
        fork_index INTEGER,        -- tokens before it are the parent's and stored there
        drawn_from INTEGER NOT NULL, -- tokens before it were drawn with other settings
        prompt TEXT NOT NULL,
        recipe TEXT NOT NULL,      -- TOML
        config TEXT NOT NULL,      -- JSON, as are roles, versions, prompt_tokens and stats
        versions TEXT NOT NULL,
        roles TEXT NOT NULL DEFAULT '[]',
        vocabulary INTEGER REFERENCES vocabulary (number),
        prompt_tokens TEXT NOT NULL DEFAULT '[]',
        ended TEXT,                -- NULL while it is on, or where the program was killed
        finish_reason TEXT,        -- NULL where it failed
        error TEXT NOT NULL DEFAULT '',
        stats TEXT,
        tokens INTEGER,            -- these two are filled in at the end, for lists and searches
        text TEXT
    )
    """,
    "CREATE INDEX run_parent ON run (parent)",
    """
    CREATE TABLE tag (
        run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
        name TEXT NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID
    """,
    # What is not a number is NULL, as SQLite has it. Lists are float64, little-endian.
    """
    CREATE TABLE token (
        run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        token_id INTEGER NOT NULL,
        text TEXT NOT NULL,
        start INTEGER NOT NULL,
        forced INTEGER NOT NULL,
        sampled_probability REAL,
        alphas BLOB NOT NULL,
        p_base REAL, p_tuned REAL,
        logprob_base REAL, logprob_tuned REAL,
        contributions BLOB NOT NULL,
        rank_base INTEGER NOT NULL, rank_tuned INTEGER NOT NULL,
        argmax_base INTEGER NOT NULL, argmax_tuned INTEGER NOT NULL,
        entropy_base REAL, entropy_tuned REAL,
        kl REAL,
        coverage REAL,
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID
    """,
    # Apart from the tokens, so that these are read without passing over what is much larger.
    """
    CREATE TABLE candidates (
        run INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        packed BLOB NOT NULL,
        UNIQUE (run, position)
    )
    """,
)

_SECOND: Statements = (
    # Summaries of evaluations; what was answered lies in their folders.
    """
    CREATE TABLE evaluation (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        folder TEXT NOT NULL UNIQUE,
        created TEXT NOT NULL,     -- ISO 8601, UTC
        changed TEXT NOT NULL,
        recipe_name TEXT NOT NULL,
        recipe TEXT NOT NULL,      -- TOML
        plan TEXT NOT NULL,        -- JSON, as are the results
        results TEXT NOT NULL,
        complete INTEGER NOT NULL
    )
    """,
)

_THIRD: Statements = (
    # Whether tokens were drafted: blocks of them may round otherwise. NULL where it was not kept.
    "ALTER TABLE run ADD COLUMN drafts INTEGER",
)

VERSIONS: tuple[Statements, ...] = (_FIRST, _SECOND, _THIRD)
"""``VERSIONS[n]`` leads from version n to n + 1; what has been released never changes."""


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables there; 0 where there are none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def bring_up_to_date(
    connection: sqlite3.Connection, versions: Sequence[Statements] = VERSIONS
) -> None:
    """Take every step that is missing, all or none. Another process may be doing the same.

    Args:
        connection: One that is not in a transaction.
        versions: The steps from each version to the next.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in versions[version_of(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(versions)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
