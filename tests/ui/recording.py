"""Fixture of a session that records runs in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
