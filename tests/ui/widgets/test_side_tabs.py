"""Tests of saving and restoring the shown panel of a side column."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QFrame, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.ui.widgets.side_tabs import SideTabs


def tabs(qtbot: QtBot, *panels: QWidget) -> SideTabs:
    made = SideTabs("Right column")
    qtbot.addWidget(made)
    for panel in panels:
        made.addTab(panel, "Panel")
    return made


def test_the_saved_panel_is_restored_at_any_position(tmp_path: Path, qtbot: QtBot) -> None:
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    before = tabs(qtbot, QLabel(), QFrame())
    before.setCurrentIndex(1)
    before.remember(memory, "right")
    after = tabs(qtbot, QFrame(), QLabel(), QWidget())
    after.setCurrentIndex(2)
    after.restore(memory, "right")
    assert after.currentIndex() == 0


def test_unknown_or_missing_panels_are_ignored(tmp_path: Path, qtbot: QtBot) -> None:
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    made = tabs(qtbot, QLabel(), QFrame())
    made.setCurrentIndex(1)
    made.restore(memory, "right")
    memory.setValue("right", "Gone")
    made.restore(memory, "right")
    assert made.currentIndex() == 1
