"""The list of downloaded models: sizes, last use, and deleting after a question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import CheckpointSpec, Recipe
from app.errors import HubError
from app.ui.models.cache_dialog import CacheDialog
from app.ui.state.session import Session
from tests.ui.fake_hub import FakeHub


@pytest.fixture
def dialog(qtbot: QtBot, loaded_session: Session, fake_hub: FakeHub) -> Iterator[CacheDialog]:
    for name in ("owner/one", "owner/two"):
        fake_hub.cache(name)
    fake_hub.cache("owner/three", complete=False)
    dialog = CacheDialog(loaded_session)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.open()
    qtbot.waitUntil(lambda: dialog.models.rowCount() == 3)
    yield dialog
    loaded_session.downloads.close()
    assert loaded_session.downloads.join(60)


def question(dialog: CacheDialog) -> QMessageBox:
    return next(box for box in dialog.findChildren(QMessageBox) if box.isVisible())


def press(qtbot: QtBot, box: QMessageBox, text: str) -> None:
    button = next(b for b in box.findChildren(QPushButton) if b.text().replace("&", "") == text)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def ask_to_delete(qtbot: QtBot, dialog: CacheDialog, row: int) -> QMessageBox:
    dialog.table.selectRow(row)
    assert dialog.delete.text() == "Delete 500 MB …"
    qtbot.mouseClick(dialog.delete, Qt.MouseButton.LeftButton)
    return question(dialog)


def test_models_are_listed_with_size_state_and_total(dialog: CacheDialog) -> None:
    model = dialog.models
    rows = [[model.data(model.index(row, column)) for column in range(5)] for row in range(3)]
    assert [row[0] for row in rows] == ["owner/one", "owner/two", "owner/three"]
    assert [row[2] for row in rows] == ["complete", "complete", "incomplete"]
    assert rows[0][4] == "500 MB"
    assert "2023" in rows[0][3] or "23" in rows[0][3]
    assert "1.5 GB in total, 40.0 GB free on disk" in dialog.message.message
    assert "/cache" in dialog.message.message
    assert not dialog.delete.isEnabled()


def test_what_is_chosen_is_deleted_after_the_question(
    qtbot: QtBot, dialog: CacheDialog, fake_hub: FakeHub
) -> None:
    box = ask_to_delete(qtbot, dialog, 1)
    assert "owner/two (500 MB)" in box.informativeText()
    assert ("delete_cached", "owner/two") not in fake_hub.asked
    press(qtbot, box, "Delete")
    qtbot.waitUntil(lambda: dialog.models.rowCount() == 2)
    assert [model.id for model in fake_hub.cached] == ["owner/one", "owner/three"]
    assert "1.0 GB in total" in dialog.message.message


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Return])
def test_escape_and_return_keep_everything(
    qtbot: QtBot, dialog: CacheDialog, fake_hub: FakeHub, key: Qt.Key
) -> None:
    box = ask_to_delete(qtbot, dialog, 0)
    qtbot.keyClick(box, key)
    qtbot.waitUntil(lambda: not box.isVisible())
    assert "Deleting" not in dialog.message.message
    assert "delete_cached" not in [name for name, _ in fake_hub.asked]


def test_what_the_recipe_uses_is_said(
    qtbot: QtBot, dialog: CacheDialog, session: Session, recipe: Recipe
) -> None:
    session.open_recipe(replace(recipe, base=CheckpointSpec("hub:owner/one@v1")))
    box = ask_to_delete(qtbot, dialog, 0)
    assert "The current recipe uses one of these models." in box.informativeText()
    box.close()


def test_an_error_is_told_beside_what_is_left(
    qtbot: QtBot, dialog: CacheDialog, fake_hub: FakeHub
) -> None:
    fake_hub.errors["delete_cached"] = HubError("Not every file could be deleted")
    press(qtbot, ask_to_delete(qtbot, dialog, 0), "Delete")
    qtbot.waitUntil(lambda: "Not every file could be deleted" in dialog.message.message)
    assert dialog.models.rowCount() == 3


def test_nothing_is_deleted_while_something_is_downloaded(
    qtbot: QtBot, dialog: CacheDialog, session: Session, fake_hub: FakeHub
) -> None:
    dialog.table.selectRow(0)
    session.downloads.add("hub:owner/four")
    assert not dialog.delete.isEnabled()
    qtbot.waitUntil(lambda: bool(fake_hub.transfers))
    fake_hub.transfers[0].finish()
    qtbot.waitUntil(lambda: dialog.models.rowCount() == 4)  # what has come is listed


def test_nothing_of_this_asks_the_network(dialog: CacheDialog, fake_hub: FakeHub) -> None:
    assert fake_hub.online == []
