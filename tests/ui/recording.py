"""Fixture of a session that records runs in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.history.export.document import Document
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
    assert session.history.join(20)


def stored_document(session: Session, run_id: str) -> Document:
    """A stored run, read on another thread, as the program does."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(session.history.reader.document, run_id).result()
