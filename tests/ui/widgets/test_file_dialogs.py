"""File dialogs: icons that can be seen, suggested names, and the bar that names a written file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.ui.state.saved_files import SavedFiles
from app.ui.theme import DARK, LIGHT, Theme, palette, stylesheet
from app.ui.widgets.file_dialogs import ask_folder, ask_new_file, file_stem
from app.ui.widgets.saved_bar import SavedBar


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_buttons_of_the_dialog_show_their_icons(
    theme: Theme, qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    before = QPalette(qapp.palette())
    qapp.setPalette(palette(theme))
    qapp.setStyleSheet(stylesheet(theme))
    try:
        parent = QWidget()
        qtbot.addWidget(parent)
        parent.show()
        dialog = ask_folder(parent, "Folder", str(tmp_path), print)
        buttons = [each for each in dialog.findChildren(QToolButton) if each.isVisible()]
        assert len(buttons) >= 5
        for button in buttons:
            drawn = button.grab().toImage()
            inside = [
                drawn.pixelColor(x, y)
                for x in range(4, drawn.width() - 4)
                for y in range(4, drawn.height() - 4)
            ]
            contrast = max(abs(each.lightness() - inside[0].lightness()) for each in inside)
            assert contrast > 40, button.objectName()
    finally:
        qapp.setStyleSheet("")
        qapp.setPalette(before)


def test_a_new_file_has_a_suggested_name_and_its_endings(qtbot: QtBot, tmp_path: Path) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    suggested = tmp_path / "My-recipe.tuneshift.toml"
    dialog = ask_new_file(parent, "Save", suggested, "Recipes (*.toml)", print)
    assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    assert dialog.selectedFiles() == [str(suggested)]
    dialog.selectFile(str(tmp_path / "other"))
    assert dialog.selectedFiles() == [str(tmp_path / "other.tuneshift.toml")]
    dialog.close()


def test_names_of_files_are_allowed_on_every_system() -> None:
    assert file_stem("Qwen2.5 · 1.5B: a/b?", "recipe") == "Qwen2-5-1-5B-a-b"
    assert file_stem("", "recipe") == file_stem("...", "recipe") == "recipe"
    assert len(file_stem("x" * 100, "run")) == 60


def test_a_written_file_is_named_until_it_is_dismissed(qtbot: QtBot, tmp_path: Path) -> None:
    saved = SavedFiles()
    bar = SavedBar(saved)
    qtbot.addWidget(bar)
    assert bar.isHidden()
    saved.add(tmp_path / "report.html")
    assert not bar.isHidden()
    assert bar.text.full_text == f"Saved {tmp_path / 'report.html'}"
    bar.dismiss.click()
    assert bar.isHidden()
