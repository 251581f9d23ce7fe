"""Tests of the help page: its picture, its texts in both languages, and scrolling by keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QScrollArea
from pytestqt.qtbot import QtBot

from app.ui.help.help_page import HelpPage
from app.ui.help.method_picture import MethodPicture, probabilities


def test_the_page_explains_each_subject_under_a_heading(qtbot: QtBot) -> None:
    page = HelpPage()
    qtbot.addWidget(page)
    labels = page.findChildren(QLabel)
    headings = [label for label in labels if label.property("role") == "section"]
    assert len(headings) == 5
    assert len(labels) == 2 * len(headings)
    assert all(len(label.text()) > 100 for label in labels if label not in headings)
    assert not any("http" in label.text() for label in labels)  # nothing that needs a network


def test_arrow_keys_scroll_and_escape_closes(qtbot: QtBot) -> None:
    page = HelpPage()
    qtbot.addWidget(page)
    page.resize(500, 300)
    with qtbot.waitExposed(page):
        page.show()
    area = page.findChild(QScrollArea)
    assert area.hasFocus()
    qtbot.keyClick(area, Qt.Key.Key_PageDown)
    assert area.verticalScrollBar().value() > 0
    with qtbot.waitSignal(page.destroyed):
        qtbot.keyClick(page, Qt.Key.Key_Escape)


def test_the_picture_has_taller_bars_for_more_probable_tokens(qtbot: QtBot) -> None:
    picture = MethodPicture()
    qtbot.addWidget(picture)
    picture.resize(560, 176)
    image = picture.grab().toImage()
    base = [_height(image, x) for x in (20, 61, 102, 143)]
    tuned = [_height(image, x) for x in (416, 457, 498, 539)]
    assert base[0] > base[1] > base[3] > base[2] > 0
    assert tuned[3] == max(tuned)


def _height(image: QImage, x: int) -> int:
    """The height of the bar at ``x``, which stands on the chart's bottom."""
    heights = range(25, 150)
    background = image.pixelColor(0, heights.start)
    color = image.pixelColor(x, heights.stop - 1)
    return sum(image.pixelColor(x, y) == color for y in heights) if color != background else 0


def test_probabilities_add_up_to_one() -> None:
    found = probabilities((2.0, 0.0, -1.0))
    assert sum(found) == pytest.approx(1.0)
    assert found[0] == pytest.approx(2.718281828**2 / (2.718281828**2 + 1 + 2.718281828**-1))
