"""Bookmarks of tokens in the history and in the exports."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from app.checkpoints.recipes.recipe_file import recipe_text
from app.history.export.formats import FORMATS
from app.history.schema import VERSIONS, migrate
from tests.history.export_runs import make_document
from tests.history.invented import Desk, new_run, recipe, write_run


def test_bookmarks_are_stored_replaced_and_removed(desk: Desk) -> None:
    run, other = new_run(), new_run()
    for each in (run, other):
        write_run(desk.writer, each, 8)
    found = []
    for bookmarks in (frozenset({1, 5}), frozenset({7}), frozenset()):
        desk.writer.bookmark(run.id, bookmarks)
        archive = desk.archive()
        found.append(archive.get(run.id).bookmarks)
        assert archive.get(other.id).bookmarks == frozenset()
        archive.close()
    assert found == [{1, 5}, {7}, frozenset()]


def test_a_branch_begins_with_bookmarks(desk: Desk) -> None:
    trunk = new_run()
    write_run(desk.writer, trunk, 8)
    branch = new_run(parent=trunk.id, fork_index=4, bookmarks=frozenset({2}))
    write_run(desk.writer, branch, 3)
    archive = desk.archive()
    assert archive.get(branch.id).bookmarks == {2}
    archive.close()


def test_an_older_history_gets_bookmarks(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        migrate(connection, VERSIONS[:8])
        connection.execute(
            "INSERT INTO run (id, kind, created, drawn_from, prompt, recipe, config, versions) "
            "VALUES ('old', 'generated', '2026-01-01', 0, 'Old', ?, '{}', '{}')",
            (recipe_text(recipe()),),
        )
        connection.commit()
    desk = Desk(path)
    archive = desk.archive()
    assert archive.get("old").bookmarks == frozenset()
    desk.writer.bookmark("old", frozenset({3}))
    assert desk.writer.flush(60)
    assert archive.get("old").bookmarks == {3}
    archive.close()
    desk.close()


def test_exports_say_which_tokens_have_a_bookmark(tmp_path: Path) -> None:
    document = make_document(tmp_path)
    marked = replace(document, run=replace(document.run, bookmarks=frozenset({2, 9})))
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](marked), newline="")))
    assert [int(row["index"]) for row in rows if row["bookmark"] == "True"] == [2, 9]
    tokens = json.loads(FORMATS["json"](marked))["tokens"]
    assert [token["index"] for token in tokens if token["bookmark"]] == [2, 9]
    page = FORMATS["html"](marked)
    assert page.count(' bookmark" role="option"') == 2
    assert page.count("⚑ ") == 2
    assert "⚑" not in FORMATS["html"](document)
