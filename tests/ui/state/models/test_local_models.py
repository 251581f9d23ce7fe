"""The search for models runs in the background, tells its progress and can be ended early."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from pytestqt.qtbot import QtBot

from app.checkpoints.candidates.used_folders import used_folders
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.ui.state.models import local_models
from app.ui.state.models.local_models import LocalModels
from tests import tiny


@pytest.fixture(autouse=True)
def no_folder_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder(llama: tiny.Family, tmp_path: Path) -> Path:
    models = tmp_path / "models"
    for name in ("Tiny-1B", "Tiny-1B-Instruct"):
        shutil.copytree(llama.base, models / name)
    return models


@pytest.fixture
def found(qapp: object) -> Iterator[LocalModels]:
    models = LocalModels(lambda: "")
    yield models
    models.close()
    assert models.join(60)


def names(found: LocalModels) -> set[str]:
    return {model.name for model in found.models if not model.source.startswith("builtin:")}


def wait(found: LocalModels, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not found.searching, timeout=60_000)


@pytest.mark.slow
def test_a_folder_that_was_looked_in_is_remembered(
    found: LocalModels, folder: Path, qtbot: QtBot
) -> None:
    found.search()
    assert found.searching
    wait(found, qtbot)
    assert found.searched
    assert names(found) == set()
    found.search([folder])
    wait(found, qtbot)
    assert names(found) == {"Tiny-1B", "Tiny-1B-Instruct"}
    assert used_folders() == [folder]
    assert found.empty == ()
    (folder.parent / "nothing").mkdir()
    found.search([folder.parent / "nothing"])
    wait(found, qtbot)
    assert names(found) == {"Tiny-1B", "Tiny-1B-Instruct"}
    assert found.empty == (folder.parent / "nothing",)
    assert used_folders() == [folder]
    found.search()
    wait(found, qtbot)
    assert found.empty == ()


@pytest.mark.slow
def test_the_model_folder_of_the_preferences_is_searched(folder: Path, qtbot: QtBot) -> None:
    found = LocalModels(lambda: str(folder))
    found.search()
    wait(found, qtbot)
    assert names(found) == {"Tiny-1B", "Tiny-1B-Instruct"}
    assert used_folders() == []
    found.close()
    assert found.join(60)


def test_folders_of_loaded_recipes_are_searched(found: LocalModels, folder: Path) -> None:
    base = CheckpointSpec(f"folder:{folder}/Tiny-1B")
    found.remember(Recipe("r", base, (ExpertPair("p", base, base),)))
    assert used_folders() == [folder]


def test_progress_and_an_early_end(
    found: LocalModels, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, go_on = Event(), Event()
    finder = local_models.find_local_models

    def slowly(folders, reader, on_progress, cancelled):  # type: ignore[no-untyped-def]
        def note(progress: object) -> None:
            on_progress(progress)
            if not waiting.is_set():
                waiting.set()
                go_on.wait(60)

        return finder(folders, reader, note, cancelled)

    monkeypatch.setattr(local_models, "find_local_models", slowly)
    with qtbot.waitSignal(found.changed):
        found.search()
    qtbot.waitUntil(lambda: found.progress is not None, timeout=60_000)
    assert found.progress is not None
    assert (found.progress.done, found.progress.name) == (0, "antiexpert")
    assert waiting.is_set()
    found.cancel()
    go_on.set()
    wait(found, qtbot)
    assert [model.name for model in found.models] == ["antiexpert"]
    assert found.progress is None


def test_a_new_search_takes_the_place_of_the_old(found: LocalModels, qtbot: QtBot) -> None:
    ended: list[bool] = []
    found.changed.connect(lambda: ended.append(not found.searching))
    found.search()
    found.search()
    wait(found, qtbot)
    assert ended.count(True) == 1


def test_a_failure_is_a_problem(
    found: LocalModels, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(local_models, "find_local_models", fail)
    found.search()
    wait(found, qtbot)
    assert found.problem is not None
    assert "the disk is gone" in str(found.problem)
