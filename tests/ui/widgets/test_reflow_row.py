"""Test of the row that becomes a column."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.widgets.reflow_row import ReflowRow


def test_widgets_that_do_not_fit_form_a_column(qtbot: QtBot) -> None:
    row = ReflowRow()
    qtbot.addWidget(row)
    label, button = QLabel("Some words that say what this is"), QPushButton("Do it")
    label.setWordWrap(True)
    row.add(label, 1)
    row.add(button)
    row.resize(600, 60)
    row.show()
    assert button.y() < label.geometry().bottom()
    assert button.x() > label.geometry().right()
    row.resize(200, 120)
    qtbot.waitUntil(lambda: button.y() > label.geometry().bottom())
    label.setText("Short")
    qtbot.waitUntil(lambda: button.x() > label.geometry().right())
