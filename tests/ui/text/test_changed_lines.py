"""Tests of painting while text is added: the screen is compared with one painted as a whole."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject, QRect
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui.state.runs.token_groups import Grouping
from app.ui.state.session import Session
from app.ui.text.transcript import TranscriptView
from app.ui.text.transcript_edit import TranscriptText
from tests.ui.text.test_transcript import shown, write

PIECES = [
    [" and", " then", " there", " was", " a"],
    [" rather", " long", " line", " of", " wo"],
    ["rds", ",", " which", " ends", ".", " The"],
    ["\n", "\n", "\t", "if", " x", ":"],
    ["\n"],
    ["한", "국", "어", " e", "\u0301", " שלום", " done"],
    [" unbreakable" * 9],
    [".", " A", " new", " sentence", " begins", " here"],
]


@pytest.fixture
def view(finished_session: Session, qtbot: QtBot) -> TranscriptView:
    return shown(TranscriptView(finished_session), qtbot)


def on_screen(text: TranscriptText) -> QImage:
    """What the screen shows of the text, without painting it for this purpose."""
    QApplication.processEvents()
    window = text.window()
    place = text.viewport().mapTo(window, text.viewport().rect().topLeft())
    size = text.viewport().size()
    screen = window.screen()
    return screen.grabWindow(
        int(window.winId()), place.x(), place.y(), size.width(), size.height()
    ).toImage()


@pytest.mark.parametrize("grouping", list(Grouping))
@pytest.mark.parametrize("place", ["end", "middle", "top"])
def test_added_text_looks_as_if_everything_was_painted(
    view: TranscriptView, finished_session: Session, grouping: Grouping, place: str
) -> None:
    text = view.text
    finished_session.display.set_grouping(grouping)
    bar = text.verticalScrollBar()
    for number in range(4 * len(PIECES)):
        if place != "end":
            bar.setValue(bar.maximum() // 2 if place == "middle" else 0)
        before = on_screen(text)
        write(finished_session, PIECES[number % len(PIECES)])
        painted = on_screen(text)
        text.viewport().update()
        assert painted == on_screen(text), number
        assert place != "end" or painted != before
    assert bar.maximum() > 3, "the text is longer than the viewport"
    assert (bar.value() == bar.maximum()) == (place == "end")


class Paints(QObject):
    """Notes the areas of a widget that are painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.areas: list[QRect] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if isinstance(event, QPaintEvent):
            self.areas.append(event.rect())
        return False


def test_only_the_last_lines_are_painted_when_text_is_added(
    view: TranscriptView, finished_session: Session
) -> None:
    text = view.text
    write(finished_session, ["word "] * 200)
    QApplication.processEvents()
    paints = Paints(text.viewport())
    write(finished_session, ["a"])
    QApplication.processEvents()
    (area,) = paints.areas
    assert area.height() < 5 * text.fontMetrics().lineSpacing()
