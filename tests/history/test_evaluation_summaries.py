"""Summaries of evaluations in the history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.history.database import Database
from app.history.evaluation_summaries import EvaluationArchive, EvaluationSummary
from app.history.schema import VERSIONS, migrate

FIRST = EvaluationSummary("one", "/out/a", "Demo", "name = 'x'", "{}", "[]", complete=False)


@pytest.fixture
def archive(path: Path) -> EvaluationArchive:
    return EvaluationArchive(Database(path))


def test_summaries_are_listed_newest_first(archive: EvaluationArchive) -> None:
    later = FIRST.changed + timedelta(seconds=1)
    second = replace(FIRST, id="two", folder="/out/b", changed=later)
    archive.put(FIRST)
    archive.put(second)
    assert archive.all() == [second, FIRST]
    assert archive.all(1) == [second]
    archive.put(replace(FIRST, changed=later + timedelta(seconds=1)))
    assert [summary.id for summary in archive.all()] == ["one", "two"]


def test_a_folder_has_one_summary_that_keeps_its_creation_date(archive: EvaluationArchive) -> None:
    archive.put(FIRST)
    later = FIRST.created + timedelta(hours=1)
    archive.put(
        replace(FIRST, id="other", created=later, changed=later, results="[1]", complete=True)
    )
    assert archive.all() == [replace(FIRST, changed=later, results="[1]", complete=True)]


def test_a_summary_can_be_deleted(archive: EvaluationArchive) -> None:
    archive.put(FIRST)
    archive.forget("one")
    archive.forget("none")
    assert archive.all() == []


def test_the_table_of_evaluations_is_added_to_an_old_history(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, VERSIONS[:1])
    archive = EvaluationArchive(Database(path))
    archive.put(FIRST)
    assert archive.all() == [FIRST]
