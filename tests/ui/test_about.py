"""Tests of Help → About: the report of versions and its copy."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app import __version__
from app.ui import about
from app.ui.about import AboutDialog


def make(qtbot: QtBot, devices: tuple[str, ...] = ()) -> AboutDialog:
    dialog = AboutDialog(None, devices)
    qtbot.addWidget(dialog)
    return dialog


def test_the_copy_button_copies_the_shown_versions(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(about, "commit", lambda: "abc1234")
    dialog = make(qtbot, ("cpu", "cuda:0"))
    dialog.copy.click()
    assert dialog.copy.text() == "Copied"
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0] == f"Tuneshift {__version__} (abc1234, from Python)"
    assert lines[-1] == "Devices: cpu, cuda:0"
    for library in ("torch", "transformers", "PySide6-Essentials"):
        assert f"{library} {version(library)}" in lines
    assert dialog.report in [label.text() for label in dialog.findChildren(QLabel)]


def test_missing_libraries_are_listed_with_a_dash(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(about, "commit", str)
    monkeypatch.setattr(about, "_LIBRARIES", ("no-such-library",))
    lines = make(qtbot).report.splitlines()
    assert lines[0] == f"Tuneshift {__version__} (commit unknown, from Python)"
    assert "no-such-library –" in lines
    assert not any(line.startswith("Devices") for line in lines)
