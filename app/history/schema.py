"""The schema of the history database, as a list of migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

Statements = tuple[str, ...]

_FIRST: Statements = (
    # Labels of a vocabulary: a zlib-compressed JSON list, unique by the SHA-256 of the list.
    """
    CREATE TABLE vocabulary (
        number INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        labels BLOB NOT NULL
    )
    """,
    # Runs, numbered in the order of their start, independent of the clock.
    """
    CREATE TABLE run (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        role INTEGER,              -- for kind “role”: index in the recipe
        created TEXT NOT NULL,     -- ISO 8601, UTC
        title TEXT NOT NULL DEFAULT '',
        starred INTEGER NOT NULL DEFAULT 0,
        deleted TEXT,              -- time of deletion, or NULL
        parent TEXT REFERENCES run (id),
        fork_index INTEGER,        -- the parent stores the tokens before it
        drawn_from INTEGER NOT NULL, -- index of the first token with these settings
        prompt TEXT NOT NULL,
        recipe TEXT NOT NULL,      -- TOML
        config TEXT NOT NULL,      -- JSON, as are roles, versions, prompt_tokens and stats
        versions TEXT NOT NULL,
        roles TEXT NOT NULL DEFAULT '[]',
        vocabulary INTEGER REFERENCES vocabulary (number),
        prompt_tokens TEXT NOT NULL DEFAULT '[]',
        ended TEXT,                -- NULL while active, or if killed
        finish_reason TEXT,        -- NULL if it failed
        error TEXT NOT NULL DEFAULT '',
        stats TEXT,
        tokens INTEGER,            -- tokens and text: set at the end, for lists and search
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
    # SQLite stores NaN as NULL. Lists are little-endian float64.
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
    # A table of its own, so that tokens can be read without these large values.
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
    # Summaries of evaluations; the answers are files in ``folder``.
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
    # Whether speculative decoding was on, which may change rounding. NULL if unknown.
    "ALTER TABLE run ADD COLUMN drafts INTEGER",
)

_FOURTH: Statements = (
    # The messages of a conversation as JSON; NULL if the prompt is a text. ``prompt`` then has
    # their contents.
    "ALTER TABLE run ADD COLUMN messages TEXT",
    # The run with the answer before the last message of the conversation, or NULL.
    "ALTER TABLE run ADD COLUMN follows TEXT REFERENCES run (id) ON DELETE SET NULL",
    "CREATE INDEX run_follows ON run (follows)",
)

_FIFTH: Statements = (
    # Name, models, pairs and alphas of the recipe, as JSON, for lists. NULL: read the recipe.
    "ALTER TABLE run ADD COLUMN facts TEXT",
)

_SIXTH: Statements = (
    # Numbers of runs whose text in the search index is missing or old, erased runs among them. The
    # index itself, ``run_text``, is made by app/history/search_index.py, if SQLite has FTS5.
    "CREATE TABLE unindexed (run INTEGER PRIMARY KEY)",
    "INSERT INTO unindexed SELECT number FROM run",
    *(
        f"CREATE TRIGGER {name} AFTER {event} BEGIN "
        # Not “INSERT OR IGNORE”: the conflict clause of the outer statement would replace it.
        f"INSERT INTO unindexed SELECT {number} "
        f"WHERE NOT EXISTS (SELECT 1 FROM unindexed WHERE run = {number}); END"
        for name, event, number in (
            ("run_added", "INSERT ON run", "NEW.number"),
            (
                "run_changed",
                "UPDATE OF title, prompt, text, facts, recipe, config, created, ended ON run",
                "NEW.number",
            ),
            ("run_erased", "DELETE ON run", "OLD.number"),
            ("tag_added", "INSERT ON tag", "NEW.run"),
            ("tag_removed", "DELETE ON tag", "OLD.run"),
        )
    ),
)

_SEVENTH: Statements = (
    # Contribution of each pair to the log-probability. NULL: it follows from the candidates.
    "ALTER TABLE token ADD COLUMN logprob_contributions BLOB",
)

_EIGHTH: Statements = (
    # Share of the base's probability of which pairs of another vocabulary know the first piece
    # alone; ``coverage`` is what they know exactly. NULL: no such pair, or not known.
    "ALTER TABLE token ADD COLUMN bounded REAL",
)

_NINTH: Statements = (
    # Indices of the tokens with a bookmark, as a JSON list; NULL if there are none. A branch has
    # those of the tokens that its parent stores, too.
    "ALTER TABLE run ADD COLUMN bookmarks TEXT",
)

VERSIONS: tuple[Statements, ...] = (
    _FIRST,
    _SECOND,
    _THIRD,
    _FOURTH,
    _FIFTH,
    _SIXTH,
    _SEVENTH,
    _EIGHTH,
    _NINTH,
)
"""``VERSIONS[n]`` migrates version n to n + 1. A released migration must never change."""


def schema_version(connection: sqlite3.Connection) -> int:
    """The schema version of a database; 0 if it is empty."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, versions: Sequence[Statements] = VERSIONS) -> None:
    """Run all missing migrations in one transaction. Safe with concurrent processes.

    Args:
        connection: A connection outside a transaction.
        versions: The migration from each version to the next.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in versions[schema_version(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(versions)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
