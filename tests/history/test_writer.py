"""What the writer stores and when, and its behaviour if the disk fails."""

from __future__ import annotations

import math
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.attribution.candidates import keep_candidates
from app.history.archive import Archive
from app.history.blob_encoding import pack_candidates
from app.history.database import Database
from app.history.database_writer import DatabaseWriter
from app.history.records import Ending, RunFigures, RunKind
from app.history.repeat import repeatable
from app.history.writer import HistoryWriter
from tests.history.invented import (
    LABELS,
    Desk,
    in_force,
    new_run,
    step,
    steps,
    write_run,
)


def test_a_run_survives_a_round_trip(desk: Desk) -> None:
    run = new_run("Why?\n\tEmoji 👩‍👩‍👧 and 한국어", pairs=2)
    figures = RunFigures(0.5, 12.25, 10**9)
    made = write_run(desk.writer, run, 12, Ending("eos", figures=figures))
    archive = desk.archive()
    stored = archive.get(run.id)
    assert stored.prompt == run.prompt
    assert stored.recipe == run.recipe
    assert stored.config == run.config
    assert stored.figures == figures
    assert stored.labels == LABELS
    assert stored.roles == in_force(run).roles
    assert stored.prompt_tokens == (5, 5, 5, 5, 5)
    assert stored.versions["tuneshift"]
    assert stored.versions["torch"]
    assert stored.summary.created == run.created
    assert stored.summary.finish_reason == "eos"
    assert (stored.summary.kind, stored.summary.tokens) == (RunKind.GENERATED, 12)
    tokens = archive.tokens(run.id)
    for (token, explained), found in zip(made, tokens, strict=True):
        assert found.attribution == explained
        for name in ("index", "token_id", "text", "start", "alphas", "forced", "end"):
            assert getattr(found, name) == getattr(token, name)
        assert found.sampled_probability == token.sampled_probability
    for (token, _), (index, rows) in zip(made, archive.all_candidates(run.id), strict=True):
        expected = keep_candidates(token.logits, token.alphas, token.token_id)
        assert index == token.index
        assert np.array_equal(rows.token_ids, expected.token_ids)
        assert np.array_equal(rows.experts, expected.experts)
    archive.close()


def test_speculative_decoding_is_recorded_and_unknown_for_old_runs(desk: Desk, path: Path) -> None:
    runs = {drafts: replace(new_run(), drafts=drafts) for drafts in (True, False)}
    for run in runs.values():
        write_run(desk.writer, run, 1, Ending("eos"))
    archive = desk.archive()
    for drafts, run in runs.items():
        stored = archive.get(run.id)
        assert stored.drafts == drafts
        assert repeatable(stored, archive.tokens(run.id)).drafts == drafts
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE run SET drafts = NULL")
    assert archive.get(runs[False].id).drafts
    archive.close()


def test_contributions_in_log_probability_that_older_versions_did_not_store_are_computed(
    desk: Desk, path: Path
) -> None:
    run = new_run()
    made = write_run(desk.writer, run, 5)
    archive = desk.archive()
    (_, _, (_, rows), *_) = archive.all_candidates(run.id)
    of_others = pack_candidates(replace(rows, token_ids=rows.token_ids + 1_000_000))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE token SET logprob_contributions = NULL")
        connection.execute("UPDATE candidates SET packed = ? WHERE position = 2", (of_others,))
        connection.execute("UPDATE candidates SET packed = x'01' WHERE position = 3")
        connection.execute("DELETE FROM candidates WHERE position = 4")
    found = [token.attribution for token in archive.tokens(run.id)]
    for (_, explained), old in zip(made[:2], found[:2], strict=True):
        assert old.logprob_contributions == pytest.approx(explained.logprob_contributions, abs=1e-4)
    for unknown in found[2:]:
        assert np.isnan(unknown.logprob_contributions).all()
        assert len(unknown.logprob_contributions) == len(unknown.contributions)
    archive.close()


def test_shares_of_pairs_of_another_vocabulary_are_unknown_for_tokens_of_older_versions(
    desk: Desk, path: Path
) -> None:
    run = new_run()
    desk.writer.begin(run)
    for made, explained in steps(2, run.recipe.alphas):
        desk.writer.add(run.id, made, replace(explained, coverage=0.9, bounded=0.07))
    desk.writer.finish(run.id, Ending("length"))
    archive = desk.archive()
    assert [token.attribution.bounded for token in archive.tokens(run.id)] == [0.07] * 2
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE token SET bounded = NULL WHERE position = 0")
    old, new = (token.attribution for token in archive.tokens(run.id))
    assert (old.coverage, old.bounded, old.unknown) == (0.9, None, None)
    assert new.unknown == pytest.approx(0.03)
    archive.close()


def test_the_prompt_is_stored_before_the_first_token(desk: Desk) -> None:
    run = new_run()
    desk.writer.begin(run)
    archive = desk.archive()
    stored = archive.get(run.id)
    assert stored.prompt == run.prompt
    assert not stored.summary.ended
    assert stored.labels == ()
    assert archive.tokens(run.id) == []
    archive.close()


def test_a_vocabulary_is_stored_once(desk: Desk) -> None:
    for _ in range(3):
        write_run(desk.writer, new_run(), 1)
    desk.close()
    with closing(sqlite3.connect(desk.path)) as connection:
        assert connection.execute("SELECT count(*) FROM vocabulary").fetchone() == (1,)


def test_nan_survives_a_round_trip(desk: Desk) -> None:
    run = new_run()
    token, explained = step(0)
    explained = replace(explained, logprob_base=-math.inf, kl=math.nan)
    desk.writer.begin(run)
    desk.writer.add(run.id, replace(token, sampled_probability=math.nan), explained)
    archive = desk.archive()
    (found,) = archive.tokens(run.id)
    assert found.attribution.logprob_base == -math.inf
    assert math.isnan(found.attribution.kl)
    assert math.isnan(found.sampled_probability)
    archive.close()


def test_lone_surrogates_are_replaced(desk: Desk) -> None:
    run = new_run("a\ud800b")
    write_run(desk.writer, run, 2)
    archive = desk.archive()
    assert archive.get(run.id).prompt == "a?b"
    assert not desk.told
    archive.close()


def test_a_run_can_continue_after_its_end(desk: Desk) -> None:
    """Generating token by token ends the run after each token."""
    run = new_run()
    made = write_run(desk.writer, run, 2, Ending("length"))
    more = step(2, seed=3)
    desk.writer.add(run.id, *more)
    desk.writer.finish(run.id, Ending("eos"))
    archive = desk.archive()
    assert archive.get(run.id).summary.tokens == 3
    assert archive.get(run.id).summary.finish_reason == "eos"
    again = step(1, seed=5)
    desk.writer.add(run.id, *again)
    found = desk.archive().tokens(run.id)
    assert [token.token_id for token in found] == [made[0][0].token_id, again[0].token_id]
    archive.close()


def test_a_branch_stores_only_its_own_tokens(desk: Desk) -> None:
    first = new_run()
    trunk = write_run(desk.writer, first, 6)
    branch = new_run(parent=first.id, fork_index=4)
    twig = new_run(parent=branch.id, fork_index=5)
    low = new_run(parent=branch.id, fork_index=2)
    own = write_run(desk.writer, branch, 3)
    tip = write_run(desk.writer, twig, 2)
    bottom = write_run(desk.writer, low, 1)
    archive = desk.archive()

    def ids(run_id: str) -> list[int]:
        return [token.token_id for token in archive.tokens(run_id)]

    def made_ids(*made: tuple[object, object]) -> list[int]:
        return [token.token_id for token, _ in made]  # type: ignore[attr-defined]

    assert ids(branch.id) == made_ids(*trunk[:4], *own)
    assert ids(twig.id) == made_ids(*trunk[:4], own[0], *tip)
    assert ids(low.id) == made_ids(*trunk[:2], *bottom)
    assert archive.get(twig.id).summary.tokens == 7
    assert [index for index, _ in archive.all_candidates(twig.id)] == list(range(7))
    rows = archive.candidates(twig.id, 1)
    assert rows is not None
    assert np.array_equal(
        rows.token_ids,
        keep_candidates(trunk[1][0].logits, (1.0,), trunk[1][0].token_id).token_ids,
    )
    with closing(sqlite3.connect(desk.path)) as connection:
        assert connection.execute("SELECT count(*) FROM token").fetchone() == (6 + 3 + 2 + 1,)
    archive.close()


def test_closing_writes_queued_items_and_rejects_new_ones(path: Path) -> None:
    desk = Desk(path)
    run = new_run()
    write_run(desk.writer, run, 50)
    desk.close()
    desk.writer.finish(run.id, Ending("eos"))
    assert not desk.writer.flush(1)
    archive = Archive(Database(path))
    assert archive.get(run.id).summary.tokens == 50
    assert archive.get(run.id).summary.finish_reason == "length"
    archive.close()


def test_a_writer_that_was_not_started_can_be_joined(path: Path) -> None:
    writer = HistoryWriter(path)
    writer.close()
    assert writer.join(1)


def test_two_processes_write_one_history(path: Path) -> None:
    desks = [Desk(path), Desk(path)]
    runs = [new_run(f"prompt {number}") for number in range(20)]
    threads = [
        threading.Thread(
            target=lambda d=desk, r=runs[place::2]: [write_run(d.writer, x) for x in r]
        )
        for place, desk in enumerate(desks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for desk in desks:
        desk.close()
        assert not desk.told
    archive = Archive(Database(path))
    assert {run.id for run in archive.find()} == {run.id for run in runs}
    assert all(run.tokens == 8 for run in archive.find())
    archive.close()


def test_branches_keep_tokens_that_their_parent_replaces(desk: Desk) -> None:
    """The parent is continued differently from an index before the fork."""
    first = new_run()
    trunk = write_run(desk.writer, first, 6)
    late, early = (new_run(parent=first.id, fork_index=fork) for fork in (5, 2))
    own = write_run(desk.writer, late, 2)
    write_run(desk.writer, early, 1)
    desk.writer.begin(replace(first, config=replace(first.config, seed=9), length=3))
    other = step(3, seed=8)
    desk.writer.add(first.id, *other)
    archive = desk.archive()

    def ids(run_id: str) -> list[int]:
        return [token.token_id for token in archive.tokens(run_id)]

    shared = [token.token_id for token, _ in trunk]
    assert ids(first.id) == [*shared[:3], other[0].token_id]
    assert ids(late.id) == [*shared[:5], *(token.token_id for token, _ in own)]
    assert ids(early.id)[:2] == shared[:2]
    assert len(list(archive.all_candidates(late.id))) == 7
    assert archive.get(first.id).config.seed == 9
    assert not archive.get(first.id).summary.ended
    assert archive.get(late.id).summary.tokens == 7
    archive.close()


def test_flush_reports_a_failed_write(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.writer.flush(60)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(DatabaseWriter, "write", broken)
        desk.writer.begin(new_run())
        assert not desk.writer.flush(60)
    assert desk.writer.flush(60)
    assert desk.told
    assert all("A part of a run was not stored" in str(told) for told in desk.told)


@pytest.mark.slow
def test_cached_run_starts_are_bounded_and_old_runs_can_continue(desk: Desk) -> None:
    first = new_run("the first")
    write_run(desk.writer, first, 3)
    for number in range(130):
        write_run(desk.writer, new_run(f"{number}"), 1)
    assert desk.writer.flush(60)
    ledger = desk.writer._database_writer
    assert ledger is not None
    held = (ledger._new_runs, ledger._models, ledger._positions)
    assert max(map(len, held)) <= 100
    desk.writer.add(first.id, *step(3))
    branch = new_run("a branch", parent=first.id, fork_index=2)
    write_run(desk.writer, branch, 1)
    assert desk.writer.flush(60)
    archive = desk.archive()
    assert [token.index for token in archive.tokens(first.id)] == [0, 1, 2, 3]
    assert len(archive.tokens(branch.id)) == 3
    archive.close()
