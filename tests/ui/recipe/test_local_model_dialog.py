"""The models on this disk are offered for a role, those first that go with the base."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.settings import Settings
from app.ui.recipe.local_model_dialog import LocalModelDialog
from app.ui.recipe.role_picker import RolePicker
from app.ui.state.session import Session
from tests import tiny, tiny_gguf
from tests.ui.conftest import FakeBridge

pytestmark = [pytest.mark.window, pytest.mark.slow]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of llama.cpp with two files of one vocabulary, and one of another model."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("LLAMA_CACHE", str(folder))
    tiny_gguf.write(tiny.make_model("llama", 3), folder / "tiny-base.gguf")
    tiny_gguf.write(tiny.make_model("llama", 4), folder / "tiny-instruct.gguf")
    shutil.copytree(tiny.make_family(tmp_path / "family", "qwen2").base, folder / "other")
    (folder / "other" / "tokenizer.json").write_text(tiny.make_metaspace_tokenizer().to_str())
    return folder


@pytest.fixture
def session(bridge: FakeBridge, recipe: Recipe, folder: Path) -> Iterator[Session]:
    base = replace(recipe.base, source=f"gguf:{folder / 'tiny-base.gguf'}")
    session = Session(bridge, replace(recipe, base=base), Settings())  # type: ignore[arg-type]
    yield session
    session.local_models.close()
    assert session.local_models.join(60)


Picker = Callable[[int], RolePicker]


@pytest.fixture
def picker(session: Session, qtbot: QtBot) -> Picker:
    """Makes the picker of a role, which is kept until the test ends."""
    kept = []

    def make(place: int) -> RolePicker:
        kept.append(RolePicker(session, place, "role"))
        qtbot.addWidget(kept[-1])
        return kept[-1]

    return make


def opened(picker: RolePicker, session: Session, qtbot: QtBot) -> LocalModelDialog:
    """The dialog of a picker, after its search."""
    choice = picker._choice
    choice.activated.emit(choice.findText("On this disk …"))
    (dialog,) = picker.window().findChildren(LocalModelDialog)
    qtbot.waitUntil(lambda: not session.local_models.searching, timeout=60_000)
    return dialog


def rows(dialog: LocalModelDialog) -> dict[str, str]:
    """The titles of the list, with the lines below them."""
    model = dialog.models.model()
    indices = [model.index(row, 0) for row in range(model.rowCount())]
    about = Qt.ItemDataRole.AccessibleDescriptionRole
    return {index.data(): index.data(about) or "" for index in indices}


def row_of(dialog: LocalModelDialog, title: str) -> QModelIndex:
    return dialog.models.model().index(list(rows(dialog)).index(title), 0)


def test_a_base_is_listed_with_quantization_size_and_program(
    picker: Picker, session: Session, folder: Path, qtbot: QtBot
) -> None:
    dialog = opened(picker(0), session, qtbot)
    about = rows(dialog)["tiny-instruct (GGUF)"]
    assert "F32, 0.2 MB" in about
    assert about.endswith("llama.cpp")
    assert dialog.models.currentIndex().data() == "tiny-base (GGUF)"
    assert not dialog.use_button.isEnabled()
    dialog.models.setCurrentIndex(row_of(dialog, "tiny-instruct (GGUF)"))
    dialog.use_button.click()
    assert session.recipe.base.source == f"gguf:{folder / 'tiny-instruct.gguf'}"


def test_a_file_that_cannot_be_a_base_is_listed_with_the_reason(
    picker: Picker, session: Session, folder: Path, qtbot: QtBot
) -> None:
    whole = (folder / "tiny-base.gguf").read_bytes()
    (folder / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    dialog = opened(picker(0), session, qtbot)
    listed = list(rows(dialog))
    assert listed[-2:] == ["Cannot be used", "cut (GGUF)"]
    assert rows(dialog)["cut (GGUF)"].startswith("cannot be used: ")
    dialog.models.setCurrentIndex(row_of(dialog, "cut (GGUF)"))
    assert not dialog.use_button.isEnabled()


def test_an_expert_that_goes_with_the_base_comes_first(
    picker: Picker, session: Session, qtbot: QtBot
) -> None:
    dialog = opened(picker(1), session, qtbot)
    listed = list(rows(dialog))
    heading = listed.index("Do not go with the base")
    assert listed.index("tiny-instruct (GGUF)") < heading < listed.index("other")
    assert "same tokenizer" in rows(dialog)["tiny-instruct (GGUF)"]
    assert "another tokenizer" in rows(dialog)["other"]
    dialog.models.setCurrentIndex(row_of(dialog, "other"))
    assert not dialog.use_button.isEnabled()
    before = session.recipe
    dialog.accept()
    assert session.recipe == before
    index = row_of(dialog, "tiny-instruct (GGUF)")
    dialog.models.setCurrentIndex(index)
    dialog.models.activated.emit(index)
    assert session.recipe.pairs[0].expert.source.endswith("tiny-instruct.gguf")


def test_the_dialog_ends_with_the_pair_of_its_role(
    picker: Picker, session: Session, qtbot: QtBot
) -> None:
    dialog = opened(picker(3), session, qtbot)
    with qtbot.waitSignal(dialog.rejected):
        session.remove_pair(1)
