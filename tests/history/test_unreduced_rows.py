"""Tokens are written at once; their candidates when no run is active, or when many rows wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows, keep_candidates
from app.attribution.explained_token import ExplainedToken
from app.decoding.types import RoleLogits, TokenStep
from app.history.archive import Archive
from app.history.database import Database
from app.history.database_writer import DatabaseWriter
from app.history.records import Ending, NewRun
from app.history.unreduced_rows import find_candidates
from app.history.write_queue import Item, TokenAdded
from app.history.writer import HistoryWriter
from tests.history.invented import new_run, step, steps


@pytest.fixture
def database_writer(path: Path) -> Iterator[DatabaseWriter]:
    writer = DatabaseWriter(Database(path), path)
    yield writer
    writer.close()


def added(run: NewRun, made: TokenStep, why: TokenAttribution) -> TokenAdded:
    return TokenAdded(run.id, ExplainedToken.of(made, why), made.logits)


def stored(path: Path, run: NewRun) -> dict[int, CandidateRows]:
    with closing(Archive(Database(path))) as archive:
        return dict(archive.all_candidates(run.id))


def count(path: Path, run: NewRun) -> int:
    with closing(Archive(Database(path))) as archive:
        return len(archive.tokens(run.id))


def assert_same(found: CandidateRows, item: TokenAdded) -> None:
    assert isinstance(item.rows, RoleLogits)
    alone = keep_candidates(item.rows, item.token.alphas, item.token.token_id)
    assert found.token_ids.tolist() == alone.token_ids.tolist()
    np.testing.assert_array_equal(found.base, alone.base)


def test_tokens_are_written_before_their_candidates(
    database_writer: DatabaseWriter, path: Path
) -> None:
    run = new_run()
    tokens = [added(run, *made) for made in steps(5)]
    database_writer.write([run, *tokens])
    assert (count(path, run), stored(path, run)) == (5, {})
    database_writer.write(find_candidates(database_writer.unreduced))
    found = stored(path, run)
    assert list(found) == [0, 1, 2, 3, 4]
    for item in tokens:
        assert_same(found[item.token.index], item)
    assert not database_writer.unreduced


def test_a_branch_gets_the_candidates_of_tokens_that_its_parent_replaces(
    database_writer: DatabaseWriter, path: Path
) -> None:
    trunk = new_run()
    twig = new_run(parent=trunk.id, fork_index=4)
    tokens = [added(trunk, *made) for made in steps(6)]
    again = replace(trunk, length=2)
    other = added(trunk, *step(2, seed=8))
    database_writer.write([trunk, *tokens, twig, again, other])
    database_writer.write(find_candidates(database_writer.unreduced))
    of_twig, of_trunk = stored(path, twig), stored(path, trunk)
    assert (list(of_twig), list(of_trunk)) == ([0, 1, 2, 3], [0, 1, 2])
    for item in tokens[:4]:
        assert_same(of_twig[item.token.index], item)
    assert_same(of_trunk[2], other)


def test_a_write_that_fails_keeps_what_waited(
    database_writer: DatabaseWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run()
    first, second, third = (added(run, *made) for made in steps(3))
    database_writer.write([run, first, second])
    items: list[Item] = [*find_candidates([first]), third]
    with monkeypatch.context() as patched:
        patched.setattr("app.history.database_writer.token_values", lambda token: (1, 2))
        with pytest.raises(Exception, match="supplied"):
            database_writer.write(items)
    database_writer.reset()
    assert list(database_writer.unreduced) == [first, second]
    database_writer.write(items)
    assert list(database_writer.unreduced) == [second, third]
    assert list(stored(path, run)) == [0]


def test_tokens_of_different_runs_and_vocabularies_are_reduced_separately() -> None:
    kinds = [((1.0,), 300), ((1.0,), 300), ((1.0,), 200), ((0.5,), 200), ((0.5, 1.0), 200)]
    told: list[CandidateRows] = []
    tokens = [
        replace(
            added(new_run(), *step(place, alphas, vocabulary=vocabulary)),
            on_candidates=None if place else told.append,
        )
        for place, (alphas, vocabulary) in enumerate(kinds)
    ]
    found = find_candidates(tokens)
    for item, kept in zip(tokens, found, strict=True):
        assert (kept.run_id, kept.index) == (item.run_id, item.token.index)
        assert_same(kept.rows, item)
    assert told == [found[0].rows]


def test_the_end_of_a_run_stores_its_candidates(path: Path) -> None:
    changes = [Event(), Event(), Event()]  # the history was opened, the run began and ended
    waiting = iter(changes)
    writer = HistoryWriter(path, on_change=lambda: next(waiting).set())
    writer.start()
    assert changes[0].wait(60)
    run = new_run()
    writer.begin(run)
    assert changes[1].wait(60)
    for made in steps(5):
        writer.add(run.id, *made)
    writer.finish(run.id, Ending("eos"))
    assert changes[2].wait(60)
    assert list(stored(path, run)) == [0, 1, 2, 3, 4]
    writer.close()
    writer.join()


@pytest.mark.slow
def test_many_rows_are_reduced_while_a_run_is_active(path: Path) -> None:
    writer = HistoryWriter(path, most_unreduced_bytes=1)
    writer.start()
    run, reduced = new_run(), Event()
    writer.begin(run)
    for index in range(20_000):  # a run without a pause
        writer.add(run.id, *step(index), lambda _: reduced.set())
        if reduced.is_set():
            break
    assert reduced.is_set()
    writer.close()
    writer.join()
