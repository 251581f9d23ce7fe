"""A session that records, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge


@pytest.fixture
def kept(session: Session, bridge: FakeBridge, tmp_path: Path) -> Iterator[Session]:
    """A session with a loaded recipe that records."""
    bridge.ready()
    session.load()
    bridge.finish_load()
    session.history.open(tmp_path / "history.sqlite3")
    yield session
    session.history.close()
    assert session.history.join(20)
