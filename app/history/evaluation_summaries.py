"""Summaries of evaluations in the history database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.history.database import STORAGE_ERRORS, Database, history_error
from app.history.statements import storable

_COLUMNS = "id, folder, created, changed, recipe_name, recipe, plan, results, complete"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """The summary of one evaluation.

    Attributes:
        folder: The folder with its answers.
        recipe: The evaluated recipe, as TOML.
        plan: The evaluation plan, as JSON.
        results: The scores, as JSON.
        complete: Whether all questions were answered.
        created: When the evaluation was started.
        changed: When the summary was last written.
    """

    id: str
    folder: str
    recipe_name: str
    recipe: str
    plan: str
    results: str
    complete: bool
    created: datetime = field(default_factory=_now)
    changed: datetime = field(default_factory=_now)


class EvaluationArchive:
    """Reads and writes summaries. An instance must be used on one thread.

    Args:
        database: The history database.

    Raises:
        HistoryError: In every method: the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connect()

    def close(self) -> None:
        self._database.disconnect(self._connection)

    def put(self, summary: EvaluationSummary) -> None:
        """Insert a summary, or update the one of the same folder but its id and creation date."""
        values = (
            summary.id,
            storable(summary.folder),
            summary.created.isoformat(),
            summary.changed.isoformat(),
            storable(summary.recipe_name),
            storable(summary.recipe),
            storable(summary.plan),
            storable(summary.results),
            summary.complete,
        )
        with self._translated_errors(), self._database.transaction(self._connection):
            self._connection.execute(
                f"INSERT INTO evaluation ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (folder) DO UPDATE SET changed = excluded.changed, "
                "recipe_name = excluded.recipe_name, recipe = excluded.recipe, "
                "plan = excluded.plan, results = excluded.results, complete = excluded.complete",
                values,
            )

    def all(self, most: int = 500) -> list[EvaluationSummary]:
        """The summaries, most recently written first."""
        with self._translated_errors():
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM evaluation ORDER BY changed DESC, number DESC LIMIT ?",
                (most,),
            ).fetchall()
            return [_summary(row) for row in rows]

    def forget(self, evaluation_id: str) -> None:
        """Delete a summary; the folder with the answers is kept."""
        with self._translated_errors(), self._database.transaction(self._connection):
            self._connection.execute("DELETE FROM evaluation WHERE id = ?", (evaluation_id,))

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except (*STORAGE_ERRORS, ValueError) as error:
            raise history_error(error, self._database.path) from error


def _summary(row: tuple[Any, ...]) -> EvaluationSummary:
    (id_, folder, created, changed, recipe_name, recipe, plan, results, complete) = row
    return EvaluationSummary(
        id=id_,
        folder=folder,
        recipe_name=recipe_name,
        recipe=recipe,
        plan=plan,
        results=results,
        complete=bool(complete),
        created=datetime.fromisoformat(created),
        changed=datetime.fromisoformat(changed),
    )
