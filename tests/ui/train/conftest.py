"""Tiny models and data for trainings of the window, and a session whose models are those."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.settings import Settings
from app.training.preparing.prepared_training import TrainingRequest
from app.ui.state.session import Session
from app.ui.state.training.window_trainings import Trainings
from tests import tiny
from tests.training.conftest import (  # noqa: F401 — fixtures
    SETTINGS,
    plan,
    split,
    texts,
    trained,
)
from tests.ui.conftest import FakeBridge


@pytest.fixture(autouse=True)
def no_folder_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file with 60 short texts."""
    path = tmp_path / "letters.jsonl"
    rows = ({"text": each.passages[0].text} for each in texts())
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def small_session(bridge: FakeBridge, recipe: Recipe, llama: tiny.Family) -> Iterator[Session]:
    """A session whose recipe has the tiny base, and whose model folder has the tiny models."""
    open_one = replace(recipe, base=tiny.spec(llama.base))
    settings = Settings(model_folder=str(llama.base.parent))
    session = Session(bridge, open_one, settings)  # type: ignore[arg-type]
    yield session
    session.local_models.close()
    session.trainings.close()
    assert session.local_models.join(60)
    assert session.trainings.join(60)


@pytest.fixture
def trainings(small_session: Session, tmp_path: Path) -> Trainings:
    """The trainings of the session, kept in an empty folder."""
    small_session.trainings.open(tmp_path / "experts")
    return small_session.trainings


def request_of(data: Path, llama: tiny.Family, **settings: float) -> TrainingRequest:
    """A request for a short training; the settings replace those of the tests of trainings."""
    wanted = {"learning_rate": 1e-2, "epochs": 4, "batch_size": 8, "most_tokens": 64}
    return TrainingRequest(
        data,
        tiny.spec(llama.antiexpert),
        tiny.spec(llama.base),
        prompt="plain",
        settings={**wanted, "batch_rows": 8, "steps_between": 4, "patience": 99, **settings},
    )


def prepare(trainings: Trainings, request: TrainingRequest, qtbot: QtBot) -> None:
    """Prepare a request, and wait for the answer."""
    trainings.prepare(request)
    qtbot.waitUntil(lambda: not trainings.preparing)
    assert trainings.preparation, trainings.problem
