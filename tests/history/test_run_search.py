"""Runs are found by their models, their recipe, their settings and their day."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import GenerationConfig
from app.history.archive import Query
from app.history.records import NewRun
from app.history.run_search import matches
from tests.history.invented import Desk, new_run, write_run

QWEN = Recipe(
    "Untitled",
    CheckpointSpec("hub:Qwen/Qwen2.5-7B"),
    (
        ExpertPair(
            "Qwen2.5-0.5B-Instruct",
            CheckpointSpec("hub:Qwen/Qwen2.5-0.5B-Instruct"),
            CheckpointSpec("folder:/models/Qwen2.5-0.5B"),
            1.5,
        ),
    ),
)
CREATED = datetime(2026, 3, 9, 12, tzinfo=UTC)


def two_runs(desk: Desk) -> tuple[NewRun, NewRun]:
    """A run of Qwen models with seed 70, and one of other models with seed 7."""
    config = GenerationConfig(seed=70, temperature=0.25)
    mine = replace(new_run("Explain."), recipe=QWEN, config=config, created=CREATED)
    other = new_run("Once")
    for run in (mine, other):
        write_run(desk.writer, run, 2)
    return mine, other


SEARCHES = [
    ("qwen2.5-7b", True, False),
    ("0.5B-Instruct", True, False),
    ("small", False, True),  # the folder of the other run
    ("untitled", True, False),
    ("seed=70", True, False),
    ("seed=7", False, True),
    ("α=1.5", True, False),
    ("alpha=1", False, True),
    ("temperature=0.25 explain", True, False),
    (f"{CREATED.astimezone():%Y-%m-%d}", True, False),
    ("source", False, False),  # a word of the stored recipe, which nobody typed
]


@pytest.mark.slow
@pytest.mark.parametrize("old", [False, True])
def test_a_search_looks_at_models_settings_and_time(desk: Desk, path: Path, old: bool) -> None:
    mine, other = two_runs(desk)
    desk.archive().close()  # everything is written
    if old:  # runs of a version that did not store the facts
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE run SET facts = NULL")
    archive = desk.archive()
    for words, finds_mine, finds_other in SEARCHES:
        found = {run.id for run in archive.find(Query(words))}
        assert found == {
            run.id for run, is_in in ((mine, finds_mine), (other, finds_other)) if is_in
        }
    archive.close()


def test_a_run_carries_the_names_of_its_models(desk: Desk) -> None:
    mine, _ = two_runs(desk)
    archive = desk.archive()
    summary = archive.get(mine.id).summary
    assert summary.facts.models == ("Qwen2.5-7B", "Qwen2.5-0.5B-Instruct", "Qwen2.5-0.5B")
    assert summary.facts.alphas == (1.5,)
    assert summary.config.seed == 70
    assert summary.recipe_name == "Untitled"
    archive.close()


def test_a_damaged_note_of_the_models_is_read_from_the_recipe(desk: Desk, path: Path) -> None:
    mine, _ = two_runs(desk)
    desk.archive().close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE run SET facts = '{\"name\": 3'")
    archive = desk.archive()
    assert archive.get(mine.id).summary.recipe_name == "Untitled"
    archive.close()


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("seed=7\nα=1", "seed=7", True),
        ("seed=70", "seed=7", False),
        ("α=1.5", "α=1", False),
        ("x=", "x=", True),
        ("a = b", "=", True),
        ("SEED=7", "seed=7 Seed", True),
    ],
)
def test_numbers_of_settings_are_matched_as_a_whole(text: str, words: str, found: bool) -> None:
    assert matches(text, words) is found
