"""Test of tool tips of arbitrary text."""

from __future__ import annotations

from PySide6.QtGui import QTextDocumentFragment
from pytestqt.qtbot import QtBot

from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.plain_tip import plain_tip


def test_markup_is_shown_literally(qtbot: QtBot) -> None:
    text = "user <img src='file:///x'> & <b>\n&lt;"
    assert QTextDocumentFragment.fromHtml(plain_tip(text)).toPlainText() == text
    assert plain_tip("a token\nand its facts") == "a token\nand its facts"
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.resize(10, 10)
    label.show_text(text)
    assert label.toolTip() == plain_tip(text)
