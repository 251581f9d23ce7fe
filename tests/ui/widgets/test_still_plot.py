"""Tests of plots that are only looked at."""

from __future__ import annotations

from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot

from app.ui.widgets.still_plot import still_plot


def test_there_is_room_for_the_number_of_a_tick_at_the_upper_end_of_the_axis(qtbot: QtBot) -> None:
    plot = still_plot()
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    with qtbot.waitExposed(plot):
        plot.show()
    box, axis = plot.getPlotItem().getViewBox(), plot.getPlotItem().getAxis("left")
    top = box.mapRectToScene(box.rect()).top()
    assert top >= QFontMetricsF(axis.font()).height() / 2
