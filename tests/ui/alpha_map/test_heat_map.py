"""Tests of the picture of the map of α alone."""

from __future__ import annotations

import html

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QToolTip
from pytestqt.qtbot import QtBot

from app.attribution.alpha_grid import POINTS
from app.ui.alpha_map.grid_values import GridMeasure
from app.ui.alpha_map.heat_map import HeatMap
from app.ui.state.session import Session


@pytest.mark.slow
def test_the_tool_tip_shows_tokens_that_look_like_markup(
    finished_session: Session, qtbot: QtBot
) -> None:
    told = "Token 2 “<p>”, α = 1.00: most probable “&amp;”"
    map_ = HeatMap(finished_session.selection, lambda *_: told)
    qtbot.addWidget(map_)
    with qtbot.waitExposed(map_):
        map_.show()
    map_.show_values(GridMeasure.PROBABILITY, np.zeros((3, POINTS), np.float32), 1.0)
    map_._on_hover(map_._view.mapViewToScene(QPointF(1, 1.0)))
    document = QTextDocument()
    document.setHtml(QToolTip.text())
    assert document.toPlainText() == told
    assert html.escape("<p>") in QToolTip.text()
    QToolTip.hideText()
