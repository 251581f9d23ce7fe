"""Tests of the preferences dialog: changes are applied and saved by OK."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialogButtonBox, QFileDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.checkpoints.proof.proof_report import ProofMode
from app.engine.commands import Load
from app.settings import Settings, config_folder, load_settings
from app.ui.preferences import PreferencesDialog
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge


@pytest.fixture(autouse=True)
def no_saved_settings() -> Iterator[None]:
    yield
    (config_folder() / "settings.toml").unlink(missing_ok=True)


@pytest.fixture
def dialog(qtbot: QtBot, loaded_session: Session) -> PreferencesDialog:
    dialog = PreferencesDialog(loaded_session)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


def press(qtbot: QtBot, dialog: PreferencesDialog, kind: QDialogButtonBox.StandardButton) -> None:
    button = dialog.findChild(QDialogButtonBox).button(kind)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_choices_are_saved_and_announced(
    qtbot: QtBot, dialog: PreferencesDialog, session: Session, bridge: FakeBridge, tmp_path: Path
) -> None:
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    qtbot.keyClicks(dialog.folder, str(tmp_path))
    dialog.device.setCurrentIndex(dialog.device.findData("cpu"))
    dialog.dtype.setCurrentIndex(dialog.dtype.findData("float32"))
    dialog.rows.setValue(64)
    dialog.prefixes.setValue(512)
    dialog.language.setCurrentIndex(dialog.language.findData("ko"))
    assert dialog.prove_models.isChecked()
    dialog.prove_models.setChecked(False)
    assert dialog.drafts.isChecked()
    dialog.drafts.setChecked(False)
    with qtbot.waitSignal(session.settings_changed):
        press(qtbot, dialog, QDialogButtonBox.StandardButton.Ok)
    chosen = Settings(
        "dark",
        str(tmp_path),
        "cpu",
        "float32",
        64,
        "ko",
        prove_models=False,
        prefix_megabytes=512,
        drafts=False,
    )
    assert session.settings == load_settings() == chosen
    command = bridge.last(Load)
    assert isinstance(command, Load)
    assert {spec.dtype for spec in command.recipe.checkpoints()} == {"float32"}
    assert command.proof is ProofMode.OFF
    assert not dialog.isVisible()


def test_cancel_changes_nothing(qtbot: QtBot, dialog: PreferencesDialog, session: Session) -> None:
    dialog.theme.setCurrentIndex(2)
    press(qtbot, dialog, QDialogButtonBox.StandardButton.Cancel)
    assert session.settings == Settings()
    assert not (config_folder() / "settings.toml").exists()


def test_current_settings_are_shown(qtbot: QtBot, session: Session) -> None:
    session.set_settings(Settings("light", "/models", "cuda:1", "float16"))
    dialog = PreferencesDialog(session)
    qtbot.addWidget(dialog)
    assert dialog.theme.currentData() == "light"
    assert dialog.folder.text() == "/models"
    assert (
        dialog.device.currentData() == "cuda:1"
    )  # kept although torch does not report this device
    assert dialog.dtype.currentData() == "float16"


def test_devices_are_those_reported_by_torch(
    qtbot: QtBot, session: Session, bridge: FakeBridge
) -> None:
    bridge.ready()
    dialog = PreferencesDialog(session)
    qtbot.addWidget(dialog)
    assert [dialog.device.itemData(i) for i in range(dialog.device.count())] == ["auto", "cpu"]


def test_browse_fills_the_folder(qtbot: QtBot, dialog: PreferencesDialog, tmp_path: Path) -> None:
    browse = next(b for b in dialog.findChildren(QPushButton) if "Browse" in b.text())
    qtbot.mouseClick(browse, Qt.MouseButton.LeftButton)
    chooser = dialog.findChild(QFileDialog)
    chooser.fileSelected.emit(str(tmp_path))
    chooser.close()
    assert dialog.folder.text() == str(tmp_path)


def test_a_folder_that_cannot_be_written_is_reported(
    qtbot: QtBot, dialog: PreferencesDialog, session: Session
) -> None:
    (config_folder() / "settings.toml").mkdir()
    try:
        press(qtbot, dialog, QDialogButtonBox.StandardButton.Ok)
        assert session.problem is not None
        assert "cannot be saved" in str(session.problem.error)
    finally:
        (config_folder() / "settings.toml").rmdir()


def test_every_control_has_a_name(dialog: PreferencesDialog) -> None:
    controls = [*dialog.findChildren(QComboBox), *dialog.findChildren(QLineEdit)]
    names = [c.accessibleName() for c in controls if not c.objectName().startswith("qt_")]
    assert len(names) == 5
    assert all(names)
