"""Tests of formatted answers: code with copy, and nothing interpreted or fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from app.ui.chat.rendered_answer import RenderedAnswer

CODE = "Before\n\n```python\nif a:\n    b = 1\n```\n\nbetween\n\n```\nx\n```\n\nafter"


@pytest.fixture
def answer(qtbot: QtBot) -> RenderedAnswer:
    shown = RenderedAnswer()
    qtbot.addWidget(shown)
    shown.resize(400, 100)
    shown.show()
    return shown


def test_code_blocks_are_copied_as_they_are(answer: RenderedAnswer) -> None:
    answer.show_markdown(CODE)
    assert answer.codes == ["if a:\n    b = 1", "x"]
    answer.anchorClicked.emit(QUrl("copy:0"))
    assert QGuiApplication.clipboard().text() == "if a:\n    b = 1"
    assert answer.toPlainText().count("Copy code") == 2


def test_formats_are_shown(answer: RenderedAnswer) -> None:
    answer.show_markdown("# Title\n\n**bold** and\n\n- one\n- two")
    assert answer.toPlainText() == "Title\nbold and\none\ntwo"


def test_html_is_text(answer: RenderedAnswer) -> None:
    answer.show_markdown('<b>x</b> <img src="a.png"> <script>y</script>')
    for tag in ("<b>x</b>", "<img", "<script>"):
        assert tag in answer.toPlainText()


@pytest.mark.parametrize("form", ["![a]({0})", "[![a]({0})](http://b)", "![a][r]\n\n[r]: {0}"])
def test_pictures_are_not_read(answer: RenderedAnswer, tmp_path: Path, form: str) -> None:
    picture = tmp_path / "a.png"
    image = QImage(300, 300, QImage.Format.Format_RGB32)
    image.fill(0)
    assert image.save(str(picture))
    address = picture.as_uri()
    answer.show_markdown(form.format(address))
    assert address in answer.toPlainText()
    assert answer.height() < 100


def test_it_is_as_high_as_its_text(answer: RenderedAnswer) -> None:
    answer.show_markdown("one")
    low = answer.height()
    answer.show_markdown("\n\n".join(["one"] * 20))
    assert answer.height() > 10 * low
    assert answer.verticalScrollBar().maximum() == 0


def test_code_is_copied_by_keys(answer: RenderedAnswer, qtbot: QtBot) -> None:
    answer.show_markdown(CODE)
    answer.setFocus()
    qtbot.keyClick(answer, Qt.Key.Key_Tab)
    qtbot.keyClick(answer, Qt.Key.Key_Tab)
    qtbot.keyClick(answer, Qt.Key.Key_Return)
    assert QGuiApplication.clipboard().text() == "x"
