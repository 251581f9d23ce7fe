"""The full-text index finds what reading every text finds, at any time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import Cancelled
from app.history import search_index
from app.history.archive import Archive, Query
from app.history.database import Database
from app.history.records import Ending, NewRun
from app.history.run_search import matches
from app.history.schema import VERSIONS, migrate
from app.history.search_index import add_functions, index_some
from tests.history.invented import Desk, new_run, write_run

PROMPTS = (
    "Straße nach Köln",
    "한국의 수도는 서울이다",
    'for (int i = 0; i < n; ++i) { x->y("a b"); }',
    "a\0b after NUL",
    "The king said: 100% sure_thing",
    "𝒳 astral 🙂 signs",
)
WORDS = (
    *("STRASSE", "straße", "köln", "KÖLN", "한국", "한", "국의 서울", "수도는", "i", "++i", "x->y"),
    *(
        '("a',
        '"',
        'b");',
        "nul",
        "a b",
        "king 100%",
        "%",
        "sure_thing",
        "🙂",
        "𝒳 signs",
        "NOT",
    ),
    *(
        "OR",
        "king OR",
        "*",
        "seed=7",
        "seed=70",
        "α=1",
        "invented",
        "small",
        "nothing here",
        "it's",
    ),
)


def written(desk: Desk) -> list[NewRun]:
    made = [new_run(prompt) for prompt in PROMPTS]
    made.append(replace(made[0], id=new_run().id, config=replace(made[0].config, seed=70)))
    for run in made:
        write_run(desk.writer, run, 3)
    desk.archive().close()  # everything is written
    return made


def indexed(path: Path) -> Archive:
    """The history with all its ended runs in the index."""
    database = Database(path)
    with closing(database.connect()) as connection:
        add_functions(connection)
        while index_some(database, connection):
            pass
        assert connection.execute("SELECT count(*) FROM run_text").fetchone()[0] > 0
    return Archive(database)


def found(archive: Archive, words: str) -> set[str]:
    return {run.id for run in archive.find(Query(words))}


def texts(path: Path) -> dict[str, str]:
    """What a search looks at, read from the tables without the code under test."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT id, prompt || ' ' || title || ' ' || text || ' seed=' || "
            "json_extract(config, '$.seed') FROM run"
        ).fetchall()
    facts = "invented base small Pair 0 α=1 alpha=1"
    return {id_: f"{text} {facts}".replace("\0", " ") for id_, text in rows}


@pytest.mark.slow
def test_the_index_finds_the_words_of_every_text(desk: Desk, path: Path) -> None:
    written(desk)
    expected = texts(path)
    with closing(indexed(path)) as archive:
        for words in WORDS:
            holding = {id_ for id_, text in expected.items() if matches(text, words)}
            assert found(archive, words) == holding, words
        assert found(archive, "STRASSE")
        assert found(archive, "한국")
        assert len(found(archive, "seed=70")) == 1


@pytest.mark.slow
def test_the_index_is_asked(desk: Desk, path: Path) -> None:
    run = written(desk)[1]
    with closing(indexed(path)) as archive:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE run_text SET text = 'gone'")
        assert found(archive, "수도는") == set()
        archive.rename(run.id, "a new title")  # what changed is read itself
        assert found(archive, "수도는") == found(archive, "title") == {run.id}


@pytest.mark.slow
def test_every_change_is_found_at_once_and_after_indexing(desk: Desk, path: Path) -> None:
    made = written(desk)
    with closing(indexed(path)) as archive:
        archive.rename(made[0].id, "Reise")
        archive.set_tags(made[1].id, ["지리", "wichtig"])
        desk.writer.begin(replace(made[2], length=0))  # it is continued, and has other tokens
        write_run(desk.writer, replace(made[2], length=0), 6, Ending("length"))
        desk.archive().close()
        for again in (False, True):
            if again:
                indexed(path).close()
            assert found(archive, "reise") == {made[0].id}
            assert found(archive, "지리 wichtig") == {made[1].id}
            assert found(archive, "</script>") == {made[2].id}
        archive.set_tags(made[1].id, [])
        assert found(archive, "지리") == set()


@pytest.mark.slow
def test_an_erased_run_leaves_the_index(desk: Desk, path: Path) -> None:
    made = written(desk)
    with closing(indexed(path)) as archive, closing(sqlite3.connect(path)) as connection:
        before = connection.execute("SELECT count(*) FROM run_text").fetchone()[0]
        with connection:
            connection.execute("DELETE FROM run WHERE id = ?", (made[3].id,))
        assert found(archive, "nul") == set()
        indexed(path).close()
        assert connection.execute("SELECT count(*) FROM run_text").fetchone()[0] == before - 1


@pytest.mark.slow
def test_a_run_that_has_not_ended_is_found_by_its_tokens(desk: Desk, path: Path) -> None:
    run = new_run("unfinished")
    desk.writer.begin(run)
    desk.archive().close()
    indexed_runs = written(desk)
    with closing(indexed(path)) as archive:
        assert found(archive, "unfinished") == {run.id}
        assert run.id not in {other.id for other in indexed_runs}


def test_runs_of_an_older_version_are_found_before_and_after_they_are_indexed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        migrate(connection, VERSIONS[:5])
        connection.execute(
            "INSERT INTO run (id, kind, created, drawn_from, prompt, recipe, config, versions, "
            "ended, text) VALUES ('old', 'generated', '2026-01-01', 0, 'Old prompt', '', '{}', "
            "'{}', '2026-01-01', ' and its words')"
        )
        connection.commit()
    database = Database(path)
    with closing(database.connect()) as connection:
        for again in (False, True):
            if again:
                add_functions(connection)
                assert index_some(database, connection)
                assert not index_some(database, connection)
            else:
                add_functions(connection)
            sql, values = search_index.condition(connection, "WORDS old")
            assert connection.execute(f"SELECT id FROM run WHERE {sql}", values).fetchall() == [
                ("old",)
            ]


def test_without_fts5_every_text_is_read(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = written(desk)
    indexed(path).close()
    monkeypatch.setattr(search_index, "_can_index", lambda connection: False)
    database = Database(path)
    with closing(Archive(database)) as archive:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE run_text SET text = 'gone'")
        assert found(archive, "수도는") == {made[1].id}
        with closing(database.connect()) as connection:
            assert not index_some(database, connection)


@pytest.mark.slow
def test_a_search_is_cancelled_also_where_it_finds_nothing(desk: Desk, path: Path) -> None:
    for _ in range(300):
        desk.writer.begin(new_run("of no interest"))
    archive = desk.archive()
    asked = iter(range(2))
    with pytest.raises(Cancelled):
        list(archive.find_in_parts(Query("absent"), 1000, lambda: next(asked, None) is None))
    assert archive.find(Query("absent")) == []  # and the connection can be used again
    parts = list(archive.find_in_parts(Query("interest")))
    assert [len(part) for part in parts] == [100, 100, 100]
    archive.close()
