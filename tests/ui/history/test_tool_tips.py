"""Tool tips say more than the label that they belong to."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QAbstractButton, QLabel
from pytestqt.qtbot import QtBot

from app.ui.history.history_dialog import HistoryDialog
from app.ui.main_window import MainWindow
from app.ui.preferences import PreferencesDialog
from app.ui.recipe.recipe_library import RecipeLibrary
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge
from tests.ui.state.records.test_run_history import generate, runs


def test_no_tool_tip_repeats_its_label(
    kept: Session, bridge: FakeBridge, qtbot: QtBot, tmp_path: Path
) -> None:
    generate(kept, bridge, "Once", 12)
    runs(kept)
    window = MainWindow(kept, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    window.add_plot()
    window.show()
    kept.selection.select(3)
    dialogs = [kind(kept, window) for kind in (HistoryDialog, PreferencesDialog, RecipeLibrary)]
    repeated = [
        (type(part).__name__, part.text())
        for widget in (window, *dialogs)
        for part in (*widget.findChildren(QAbstractButton), *widget.findChildren(QLabel))
        if part.toolTip() and plain(part.toolTip()) == plain(part.text().replace("&", ""))
    ]
    assert repeated == []


def plain(text: str) -> str:
    """``text`` without markup, ellipsis, full stop and a shortcut in brackets."""
    document = QTextDocument()
    document.setHtml(text)
    return re.sub(r"\s*\([^()]*\)$|[.…]|\s", "", document.toPlainText()).casefold()
