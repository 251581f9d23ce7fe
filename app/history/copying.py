"""Copies a run with its ancestors from one database of the history to another."""

from __future__ import annotations

import sqlite3
from typing import Any

from app.history.statements import number_of


def copy_run(source: sqlite3.Connection, target: sqlite3.Connection, run_id: str) -> int | None:
    """Copy everything of a run, and of what it is a branch of, that ``target`` has not.

    Args:
        source: Where the run is.
        target: In a transaction.
        run_id: Whose id to copy.

    Returns:
        Its number in ``target``; None where ``source`` has no such run.

    Raises:
        sqlite3.Error: When ``source`` cannot be read or ``target`` not be written.
    """
    row = _row(source, "SELECT * FROM run WHERE id = ?", run_id)
    if row is None:
        return None
    there = number_of(target, run_id)
    if there is not None:
        return there
    if row["parent"] is not None:
        copy_run(source, target, row["parent"])
    if row["vocabulary"] is not None:
        row["vocabulary"] = _vocabulary(source, target, row["vocabulary"])
    old = row.pop("number")
    number = _insert(target, "run", row)
    for table in ("tag", "token", "candidates"):
        cursor = source.execute(f"SELECT * FROM {table} WHERE run = ?", (old,))
        names = [column[0] for column in cursor.description]
        for values in cursor:
            _insert(target, table, {**dict(zip(names, values, strict=True)), "run": number})
    return number


def _vocabulary(source: sqlite3.Connection, target: sqlite3.Connection, number: int) -> int:
    row = _row(source, "SELECT digest, labels FROM vocabulary WHERE number = ?", number)
    assert row is not None
    known = _row(target, "SELECT number FROM vocabulary WHERE digest = ?", row["digest"])
    return int(known["number"]) if known else _insert(target, "vocabulary", row)


def _row(connection: sqlite3.Connection, query: str, value: object) -> dict[str, Any] | None:
    cursor = connection.execute(query, (value,))
    values = cursor.fetchone()
    if values is None:
        return None
    return dict(zip((column[0] for column in cursor.description), values, strict=True))


def _insert(target: sqlite3.Connection, table: str, row: dict[str, Any]) -> int:
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    cursor = target.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values())
    )
    return int(cursor.lastrowid or 0)
