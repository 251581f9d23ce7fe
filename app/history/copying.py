"""Copying a run, with its ancestors, from one history database to another."""

from __future__ import annotations

import sqlite3
from typing import Any

from app.history.statements import run_number


def copy_run(source: sqlite3.Connection, target: sqlite3.Connection, run_id: str) -> int | None:
    """Copy a run and its ancestors, except those that ``target`` already contains.

    Args:
        source: The database with the run.
        target: The database to write to, inside a transaction.
        run_id: The id of the run.

    Returns:
        The row number of the run in ``target``, or None if ``source`` has no such run.

    Raises:
        sqlite3.Error: ``source`` cannot be read or ``target`` cannot be written.
    """
    row = _row(source, "SELECT * FROM run WHERE id = ?", run_id)
    if row is None:
        return None
    there = run_number(target, run_id)
    if there is not None:
        return there
    if row["parent"] is not None:
        copy_run(source, target, row["parent"])
    if row["follows"] is not None and run_number(target, row["follows"]) is None:
        row["follows"] = None  # the conversation is complete without it
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
