"""Tests of recording, opening and repeating runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.attribution.attribution import attribute
from app.checkpoints.spec import CheckpointSpec
from app.decoding.types import FinishReason
from app.engine.commands import Generate, Load
from app.engine.controls import ReplayedAlphas
from app.engine.events import Failed, TokenDecoded
from app.errors import CheckpointError
from app.history.archive import Query
from app.history.records import RunKind, RunSummary
from app.ui.inspector.inspector import Inspector
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.state.session import Session
from app.ui.status_bar import StatusBar
from app.ui.summary.tallies import Tallies
from tests.ui.conftest import FakeBridge, invent_step
from tests.ui.recording import open_run, repeat_run, stored_document, stored_runs


def runs(session: Session, **query: object) -> list[RunSummary]:
    assert session.history._writer is not None
    assert session.history._writer.flush(60)
    return stored_runs(session, Query(**query))  # type: ignore[arg-type]


def generate(session: Session, bridge: FakeBridge, prompt: str = "Once", count: int = 5) -> None:
    session.runs.generate(prompt)
    bridge.start_run()
    bridge.decode(count)
    bridge.finish_run()


def test_a_run_is_recorded_while_it_is_generated(kept: Session, bridge: FakeBridge) -> None:
    kept.runs.generate("Once upon a time")
    (begun,) = runs(kept)
    assert (begun.prompt, begun.tokens, begun.ended) == ("Once upon a time", 0, False)
    bridge.start_run()
    bridge.decode(3)
    (growing,) = runs(kept)
    assert (growing.tokens, growing.ended) == (3, False)
    bridge.decode(2, start=3)
    bridge.finish_run()
    (done,) = runs(kept)
    assert (done.tokens, done.ended, done.finish_reason) == (5, True, "length")
    run = kept.runs.current
    assert run is not None
    document = stored_document(kept, kept.history.id_of(run))
    assert document.text == run.text
    assert [t.attribution for t in document.tokens] == [t.attribution for t in run.tokens]
    assert document.run.roles == kept.roles_in_force
    assert document.run.labels == run.labels
    assert document.run.recipe == run.recipe


def test_a_run_whose_models_fail_to_load_keeps_its_prompt(
    session: Session, bridge: FakeBridge, tmp_path: Path
) -> None:
    bridge.ready()
    session.load()
    session.history.open(tmp_path / "history.sqlite3")
    session.runs.generate("typed with care")
    load = bridge.last(Load)
    bridge.events.emit([Failed(load.id, CheckpointError("No weights"))])
    (run,) = runs(session)
    assert (run.prompt, run.ended, run.finish_reason) == ("typed with care", True, "")
    session.history.close()
    assert session.history.join(60)


def test_a_branch_is_recorded_with_its_parent(kept: Session, bridge: FakeBridge) -> None:
    generate(kept, bridge)
    trunk = kept.runs.current
    assert trunk is not None
    kept.runs.fork(2, token_id=7)
    bridge.start_run()
    bridge.decode(2, start=2, seed=9)
    bridge.finish_run()
    branch = kept.runs.current
    assert branch is not None
    assert branch is not trunk
    newest, oldest = runs(kept)
    assert (newest.parent, newest.fork_index, newest.tokens) == (oldest.id, 2, 4)
    document = stored_document(kept, newest.id)
    assert [token.token_id for token in document.tokens] == list(branch.token_ids)


def test_bookmarks_come_back_with_a_run_and_its_branch(
    kept: Session, bridge: FakeBridge, tmp_path: Path
) -> None:
    generate(kept, bridge)
    for token in (1, 4, 3):
        kept.selection.bookmarks.toggle(token)
    kept.selection.bookmarks.toggle(4)
    kept.runs.fork(2, token_id=7)
    bridge.start_run()
    bridge.decode(2, start=2, seed=9)
    bridge.finish_run()
    branch, trunk = (run.id for run in runs(kept))
    again = Session(bridge, kept.recipe, kept.settings)  # type: ignore[arg-type]
    again.history.open(tmp_path / "history.sqlite3")
    assert runs(again)
    for run_id, expected in ((trunk, {1, 3}), (branch, {1})):
        open_run(again, run_id)
        assert again.runs.current is not None
        assert again.runs.current.bookmarks == expected
    again.history.close()
    assert again.history.join(60)


def test_scored_runs_and_runs_of_a_role_are_distinguished(
    kept: Session, bridge: FakeBridge
) -> None:
    kept.runs.score("A", " text")
    bridge.start_run()
    bridge.decode(1)
    bridge.finish_run()
    (scored,) = runs(kept)
    assert scored.kind is RunKind.SCORED


def test_a_continued_run_is_one_record(kept: Session, bridge: FakeBridge) -> None:
    generate(kept, bridge, count=3)
    kept.runs.continue_run(2)
    bridge.start_run()
    bridge.decode(2, start=3)
    bridge.finish_run()
    (run,) = runs(kept)
    assert (run.tokens, run.finish_reason) == (5, "length")


@pytest.mark.parametrize("opened", [False, True], ids=["removed", "opened alone"])
def test_a_continued_branch_without_its_parent_keeps_its_shared_tokens(
    kept: Session, bridge: FakeBridge, opened: bool
) -> None:
    generate(kept, bridge)
    trunk = kept.runs.current
    assert trunk is not None
    kept.runs.fork(3, token_id=7)
    bridge.start_run()
    bridge.decode(2, start=3, seed=9)
    bridge.finish_run()
    branch = kept.runs.current
    assert branch is not None
    stored = kept.history.id_of(branch)
    assert kept.history.id_of(trunk)
    kept.runs.remove(trunk)
    if opened:
        kept.runs.remove(branch)
        runs(kept)
        open_run(kept, stored)
        branch = kept.runs.current
        assert branch is not None
    assert branch.parent is None
    kept.runs.continue_run(2)
    bridge.start_run()
    bridge.decode(2, start=5, seed=9)
    bridge.finish_run()
    runs(kept)
    document = stored_document(kept, stored)
    assert [token.token_id for token in document.tokens] == list(branch.token_ids)
    assert len(document.tokens) == 7
    assert None not in document.candidates


def test_an_opened_run_has_everything_except_logits(
    kept: Session, bridge: FakeBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.state.runs.removed_runs.MOST", 1)
    generate(kept, bridge)
    original = kept.runs.current
    assert original is not None
    (summary,) = runs(kept)
    open_run(kept, summary.id)
    assert kept.runs.current is original  # the window has this run already
    expected = original.candidates(3)
    kept.runs.remove(original)
    kept.runs.generate("another")  # removing this run makes the others unrestorable
    kept.runs.stop()
    bridge.finish_run()
    assert kept.runs.current is not None
    kept.runs.remove(kept.runs.current)
    open_run(kept, summary.id)
    opened = kept.runs.current
    assert opened is not None
    assert opened is not original
    assert opened.tokens == original.tokens
    assert opened.finish_reason is FinishReason.LENGTH
    assert opened.labels == original.labels
    assert not opened.active
    assert opened.rows.rows(3) is None
    assert np.array_equal(opened.candidates(3).token_ids, expected.token_ids)
    assert np.array_equal(opened.candidates(3).experts, expected.experts)
    open_run(kept, summary.id)
    assert kept.runs.current is opened
    assert kept.runs.can_continue(opened)


@pytest.mark.parametrize("own", [1, 3])
def test_unsettled_tokens_are_kept_if_they_are_never_read_again(
    kept: Session, bridge: FakeBridge, own: int
) -> None:
    """The token with a stop string is read again when the run continues."""
    generate(kept, bridge)
    kept.runs.fork(5)
    bridge.start_run()
    bridge.decode(own, start=5, seed=3)
    bridge.finish_run(FinishReason.STOP)
    for came in (False, True):
        kept.runs.continue_run(3)
        command = bridge.last(Generate)
        assert isinstance(command, Generate)
        if came:
            bridge.start_run()
            bridge.decode(2, start=len(command.kept), seed=3)
            bridge.finish_run()
        else:
            kept.runs.stop()
            bridge.events.emit([Failed(command.id, None)])
        run = kept.runs.current
        assert run is not None
        runs(kept)
        document = stored_document(kept, kept.history.id_of(run))
        assert [token.token_id for token in document.tokens] == list(run.token_ids)
        assert document.text == run.text


def test_opening_a_removed_run_restores_it(kept: Session, bridge: FakeBridge) -> None:
    generate(kept, bridge)
    run = kept.runs.current
    assert run is not None
    stored = kept.history.id_of(run)
    kept.runs.remove(run)
    runs(kept)
    open_run(kept, stored)
    assert kept.runs.all == [run]
    assert kept.runs.removed.last is None


def test_missing_candidates_are_reported_and_statistics_work_without_them(
    kept: Session, bridge: FakeBridge, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.state.runs.removed_runs.MOST", 1)
    for prompt in ("Once", "Twice"):
        generate(kept, bridge, prompt)
        assert kept.runs.current is not None
        kept.runs.remove(kept.runs.current)
    stored = runs(kept)[-1].id
    open_run(kept, stored)
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as connection:
        connection.execute("DELETE FROM candidates")
        connection.commit()
    inspector, tallies = Inspector(kept), Tallies(kept.runs)
    qtbot.addWidget(inspector)
    inspector.show()
    kept.selection.select(2)
    assert kept.problem is not None
    assert "no candidates of this token" in str(kept.problem.error)
    run = kept.runs.current
    assert run is not None
    tallies.count_only([run])
    qtbot.waitUntil(lambda: tallies.waiting == 0)
    assert tallies.of(run).tokens == 5


def test_run_again_uses_the_alphas_of_every_token(kept: Session, bridge: FakeBridge) -> None:
    kept.runs.generate("Once")
    bridge.start_run()
    bridge.decode(2)
    kept.set_alpha(0, 2.5)
    bridge.decode(2, start=2)
    bridge.finish_run()
    first = kept.runs.current
    assert first is not None
    asked = [token.alphas for token in first.tokens]
    assert len(set(asked)) == 2
    (summary,) = runs(kept)
    kept.set_alpha(0, -1.0)
    repeat_run(kept, summary.id)
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert isinstance(command.alphas, ReplayedAlphas)
    kept.set_alpha(0, 3.0)  # a repeated run ignores the slider
    kept.set_alpha(0, asked[0][0])
    assert [command.alphas.get() for _ in asked] == asked
    assert command.config.max_new_tokens == 4
    assert command.config.seed == first.recipe.sampling.seed
    assert kept.recipe.alphas == asked[0]
    assert isinstance(bridge.last(Load), Load)
    assert sum(isinstance(command, Load) for command in bridge.commands) == 1  # not loaded again


def test_run_again_has_the_recorded_seed(kept: Session, bridge: FakeBridge) -> None:
    kept.set_seed(None)
    generate(kept, bridge)
    first = kept.runs.current
    assert first is not None
    (summary,) = runs(kept)
    repeat_run(kept, summary.id)
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    assert command.config.seed == first.recipe.sampling.seed
    assert kept.recipe.new_seeds


def test_names_are_shared_by_window_and_history(kept: Session, bridge: FakeBridge) -> None:
    generate(kept, bridge)
    run = kept.runs.current
    assert run is not None
    kept.runs.rename(run, "From the window")
    (summary,) = runs(kept)
    assert summary.title == "From the window"
    kept.history.rename(summary.id, "From the history")
    assert run.name == "From the history"


def test_deleted_runs_can_be_restored(kept: Session, bridge: FakeBridge, qtbot: QtBot) -> None:
    generate(kept, bridge)
    (summary,) = runs(kept)
    with qtbot.waitSignal(kept.history.edits.deleted_changed):
        kept.history.edits.delete([summary])
    assert runs(kept) == []
    assert kept.history.edits.deleted == (summary,)
    kept.history.edits.undelete()
    assert [run.id for run in runs(kept)] == [summary.id]
    assert kept.history.edits.deleted == ()


def test_an_unusable_history_is_reported_and_recording_continues(
    session: Session, bridge: FakeBridge, tmp_path: Path, qtbot: QtBot
) -> None:
    bridge.ready()
    session.load()
    bridge.finish_load()
    path = tmp_path / "history.sqlite3"
    path.mkdir()
    with qtbot.waitSignal(session.problem_changed):
        session.history.open(path)
    assert session.problem is not None
    assert "kept in memory" in str(session.problem.error)
    generate(session, bridge)
    (summary,) = runs(session)
    assert stored_document(session, summary.id).run.prompt == "Once"
    session.history.close()
    assert session.history.join(60)


def test_closing_during_a_run_records_it_as_stopped(
    session: Session, bridge: FakeBridge, tmp_path: Path
) -> None:
    from app.history.archive import Archive
    from app.history.database import Database

    bridge.ready()
    session.load()
    bridge.finish_load()
    session.history.open(tmp_path / "history.sqlite3")
    session.runs.generate("Once")
    bridge.start_run()
    bridge.decode(3)
    session.history.close()
    assert session.history.join(60)
    archive = Archive(Database(tmp_path / "history.sqlite3"))
    (run,) = archive.find()
    assert (run.tokens, run.finish_reason) == (3, "cancelled")
    archive.close()


def test_coverage_of_an_opened_run_is_in_plot_and_status_bar(
    kept: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    kept.set_spec(0, CheckpointSpec("endpoint:http://gpu:8000/v1"))
    bridge.finish_load()
    kept.runs.generate("Once")
    bridge.start_run()
    step = invent_step(0, kept.recipe.alphas, 0)
    explained = attribute(step.logits, step.alphas, step.token_id)
    event = TokenDecoded(bridge.last(Generate).id, step, replace(explained, coverage=0.625))
    bridge.events.emit([event])
    bridge.finish_run()
    (summary,) = runs(kept)
    kept.runs.remove(kept.runs.current)  # type: ignore[arg-type]
    open_run(kept, summary.id)
    plot, line = ShiftPlot(kept), StatusBar(kept)
    for widget in (plot, line):
        qtbot.addWidget(widget)
    assert plot.series.coverage.tolist() == [0.625]
    assert plot.legend.toggles[-1].accessibleName() == "⚠ coverage"
    assert "⚠ coverage 62%" in [label.text() for label in line.findChildren(QLabel)]
