"""Exports with progress: cancelled, closed in the middle, and on a full disk."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.history.exporting import export
from app.ui.state.records.exports import Export
from app.ui.state.session import Session
from app.ui.widgets.export_bar import ExportBar
from tests.ui.conftest import FakeBridge
from tests.ui.state.records.test_run_history import generate, runs


@pytest.fixture
def run_id(kept: Session, bridge: FakeBridge) -> str:
    generate(kept, bridge, "Once", 4)
    return runs(kept)[0].id


def cancel_at(monkeypatch: pytest.MonkeyPatch, place: int) -> list[tuple[int, int]]:
    """Cancel every export when so many tokens are done; returns what was done of how many."""
    told = []
    watch = Export.watch

    def watch_and_cancel(self: Export, done: int) -> None:
        told.append((done, self.total))
        if done == place:
            self.cancellation.request()
        watch(self, done)

    monkeypatch.setattr(Export, "watch", watch_and_cancel)
    return told


@pytest.mark.parametrize("name", ["json", "html", "candidates"])
def test_a_cancelled_export_leaves_the_file_as_it_was(
    kept: Session,
    run_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    name: str,
) -> None:
    path = tmp_path / "folder" / "run.out"
    path.parent.mkdir()
    path.write_text("old", encoding="utf-8")
    told = cancel_at(monkeypatch, 2)
    export(kept, [run_id], name, path)
    qtbot.waitUntil(lambda: not kept.history.exports.active)
    assert told[-1] == (2, 4)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(path.parent.iterdir()) == [path]
    assert kept.problem is None
    assert kept.saved.last is None


def test_the_bar_tells_how_far_it_is_and_cancels(
    kept: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    exports, go_on, done = kept.history.exports, threading.Event(), []
    bar = ExportBar(exports)
    qtbot.addWidget(bar)

    def write(progress: Export) -> None:
        progress.total = 10
        progress.watch(3)
        assert go_on.wait(60)
        progress.watch(4)

    for number in range(2):
        path = tmp_path / f"{number}.json"
        exports.begin(path, write, lambda: done.append(True), lambda error: done.append(error))
    assert bar.isHidden()  # most exports have ended before it would be seen
    qtbot.waitUntil(lambda: bar.progress.value() == 3)
    assert not bar.isHidden()
    assert bar.progress.maximum() == 10
    assert bar.text.full_text == f"Exporting to {tmp_path / '0.json'}, 1 more waiting"
    bar.cancel.click()
    go_on.set()
    qtbot.waitUntil(lambda: not exports.active)
    assert bar.isHidden()
    assert not bar.timer.isActive()
    assert done == []


def test_closing_cancels_an_export(
    kept: Session, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, closed = threading.Event(), threading.Event()
    watch = Export.watch

    def watch_and_wait(self: Export, done: int) -> None:
        if done == 1:
            reached.set()
            assert closed.wait(60)
        watch(self, done)

    monkeypatch.setattr(Export, "watch", watch_and_wait)
    folder = tmp_path / "folder"
    folder.mkdir()
    export(kept, [run_id], "json", folder / "run.json")
    assert reached.wait(60)
    kept.history.close()
    closed.set()
    assert kept.history.join(60)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_with_what_to_do(
    kept: Session, run_id: str, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "run.json"
    path.symlink_to("/dev/full")
    export(kept, [run_id], "json", path)
    qtbot.waitUntil(lambda: kept.problem is not None)
    assert kept.problem is not None
    told = str(kept.problem.error)
    assert f"The export cannot be written to {path}" in told
    assert "No space left on device" in told
    assert "make room on its disk" in told
