"""Summaries of evaluations in the history: writing, listing and forgetting them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.history.database import TROUBLE, Database, explained
from app.history.statements import storable

_COLUMNS = "id, folder, created, changed, recipe_name, recipe, plan, results, complete"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """What the history keeps of an evaluation.

    Attributes:
        folder: Where its answers lie.
        recipe: What was evaluated, as TOML.
        plan: What was asked, as JSON; ``results`` is what came out.
        complete: Whether everything was answered.
        created: When it began; ``changed`` is when it was written last.
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
    """Reads and writes summaries; for one thread.

    Args:
        database: Where they are.

    Raises:
        HistoryError: Here and in every method: when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connect()

    def close(self) -> None:
        self._database.disconnect(self._connection)

    def put(self, summary: EvaluationSummary) -> None:
        """Write a summary in place of the one of the same folder, whose id and beginning stay."""
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
        with self._explained(), self._database.transaction(self._connection):
            self._connection.execute(
                f"INSERT INTO evaluation ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (folder) DO UPDATE SET changed = excluded.changed, "
                "recipe_name = excluded.recipe_name, recipe = excluded.recipe, "
                "plan = excluded.plan, results = excluded.results, complete = excluded.complete",
                values,
            )

    def all(self, most: int = 500) -> list[EvaluationSummary]:
        """The summaries, the last one that was written first."""
        with self._explained():
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM evaluation ORDER BY changed DESC, number DESC LIMIT ?",
                (most,),
            ).fetchall()
            return [_summary(row) for row in rows]

    def forget(self, evaluation_id: str) -> None:
        """Remove a summary; the folder with the answers stays."""
        with self._explained(), self._database.transaction(self._connection):
            self._connection.execute("DELETE FROM evaluation WHERE id = ?", (evaluation_id,))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (*TROUBLE, ValueError) as error:
            raise explained(error, self._database.path) from error


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
