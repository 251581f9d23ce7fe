"""Fixture of a session that records runs in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication

from app.history.archive import Query
from app.history.export.document import Document
from app.history.records import RunSummary
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge


@pytest.fixture
def kept(session: Session, bridge: FakeBridge, tmp_path: Path) -> Iterator[Session]:
    """A recording session with a loaded recipe."""
    bridge.ready()
    session.load()
    bridge.finish_load()
    session.history.open(tmp_path / "history.sqlite3")
    yield session
    session.history.close()
    assert session.history.join(60)


def open_run(session: Session, run_id: str) -> None:
    """Show a run of the history, and wait until it is read."""
    session.history.show(run_id)
    settle_reading(session)


def repeat_run(session: Session, run_id: str) -> None:
    """Repeat a run of the history, and wait until it is read."""
    session.history.repeat(run_id)
    settle_reading(session)


def settle_reading(session: Session) -> None:
    """Wait for runs that are being read, and take them."""
    assert session.history.reading.join(60)
    QCoreApplication.sendPostedEvents()


def stored_runs(session: Session, query: Query) -> list[RunSummary]:
    """The stored runs that match, read on another thread, as the program does."""

    def find() -> list[RunSummary]:
        return [run for part in session.history.reader.find_in_parts(query) for run in part]

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(find).result()


def stored_document(session: Session, run_id: str) -> Document:
    """A stored run, read on another thread, as the program does."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(session.history.reader.document, run_id).result()
