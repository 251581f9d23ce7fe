"""Tests of the end of painting."""

from __future__ import annotations

from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.painting_end import PaintingEnd


class Painted(QWidget):
    """A widget that notes when it is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        self.seen.append("painted")


def test_it_is_reached_once_after_the_painting(qtbot: QtBot) -> None:
    widget, end = Painted(), PaintingEnd()
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    end.reached.connect(lambda: widget.seen.append("reached"))
    with qtbot.waitSignal(end.reached):
        widget.seen.clear()
        widget.update()
        end.wait()
        end.wait()  # a second wait before the end lengthens the first
    assert widget.seen[0] == "painted"
    assert widget.seen.count("reached") == 1
