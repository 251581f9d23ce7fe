"""Tests that the runs of the last session are in the next one again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QSettings
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.settings import Settings
from app.ui.state import last_runs
from app.ui.state.last_runs import LastRuns
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge
from tests.ui.recording import kept  # noqa: F401 — a fixture

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


def generate(session: Session, bridge: FakeBridge, prompt: str) -> None:
    session.runs.generate(prompt)
    bridge.complete(4)


@pytest.fixture
def last(kept: Session, bridge: FakeBridge, store: QSettings) -> Session:  # noqa: F811
    """A session with three runs, a branch and the second run shown, which has ended."""
    for prompt in ("First", "Second", "Third"):
        generate(kept, bridge, prompt)
    kept.runs.fork(2, token_id=1)
    bridge.complete(3)
    kept.runs.show(kept.runs.all[1])
    LastRuns(kept, store, kept).remember()
    assert kept.history._writer is not None
    assert kept.history._writer.flush(60)
    return kept


@contextmanager
def closed_after(session: Session, folder: Path) -> Iterator[Session]:
    """The session with the history in ``folder``."""
    session.history.open(folder / "history.sqlite3")
    try:
        yield session
    finally:
        session.history.close()
        assert session.history.join(60)


@pytest.fixture
def following(last: Session, recipe: Recipe, tmp_path: Path) -> Iterator[Session]:
    with closed_after(Session(FakeBridge(), recipe, Settings()), tmp_path) as session:  # type: ignore[arg-type]
        yield session


def contents(session: Session) -> list[tuple[object, tuple[int, ...]]]:
    return [(run.prompt, run.token_ids) for run in session.runs.all]


def test_runs_come_back_with_their_branches(
    last: Session, following: Session, store: QSettings, qtbot: QtBot
) -> None:
    LastRuns(following, store, following).restore()
    qtbot.waitUntil(lambda: len(following.runs.all) == 4)
    assert contents(following) == contents(last)
    assert following.runs.all[3].parent is following.runs.all[2]
    assert following.runs.current is following.runs.all[1]


def test_a_run_that_was_begun_meanwhile_stays_shown(
    last: Session, following: Session, store: QSettings, qtbot: QtBot
) -> None:
    restored = LastRuns(following, store, following)
    restored.restore()
    following.load()
    following.runs.generate("New")
    new = following.runs.current
    restored.remember()  # closed before all runs are back: none is forgotten
    qtbot.waitUntil(lambda: len(following.runs.all) == 5)
    assert following.runs.current is new
    assert len(str(store.value("last runs")).split()) >= 4


def test_a_long_conversation_comes_back_with_its_last_answer_shown(
    kept: Session,  # noqa: F811
    bridge: FakeBridge,
    recipe: Recipe,
    store: QSettings,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The turns before those that were remembered come back too."""
    monkeypatch.setattr(last_runs, "_MOST", 2)
    for message in ("a", "b", "c", "d"):
        kept.chat.send(message)
        bridge.complete(4)
    LastRuns(kept, store, kept).remember()
    assert kept.history._writer is not None
    assert kept.history._writer.flush(60)
    with closed_after(Session(FakeBridge(), recipe, Settings()), tmp_path) as session:  # type: ignore[arg-type]
        LastRuns(session, store, session).restore()
        qtbot.waitUntil(lambda: len(session.runs.all) == 4)
        assert session.runs.current is session.runs.all[3]
        assert [turn.message for turn in session.chat.turns] == ["a", "b", "c", "d"]


def test_deleted_runs_are_left_out(
    last: Session, following: Session, store: QSettings, qtbot: QtBot
) -> None:
    first = last.runs.all[0]
    qtbot.waitUntil(lambda: following.history.is_open)
    following.history.edits.delete([following.history.summary(last.history.id_of(first))])
    assert following.history._writer is not None
    assert following.history._writer.flush(60)  # the runs are read by another thread
    LastRuns(following, store, following).restore()
    qtbot.waitUntil(lambda: len(following.runs.all) == 3)
    assert not following.problem
    assert contents(following) == contents(last)[1:]


def test_the_preferences_can_say_no(
    last: Session, following: Session, store: QSettings, qtbot: QtBot
) -> None:
    following.set_settings(replace(following.settings, restore_texts=False))
    LastRuns(following, store, following).restore()
    QCoreApplication.processEvents()
    assert following.runs.all == []
