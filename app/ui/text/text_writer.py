"""Writes the prompt and the tokens into a document and records the position of each token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextDocument

from app.attribution.explained_token import ExplainedToken
from app.decoding.shown_text import show
from app.ui.text.transcript_text import TextMap


class TextWriter:
    """Appends text to a document; ``map`` has the positions of everything that was written."""

    def __init__(self, document: QTextDocument) -> None:
        self._document = document
        self.map = TextMap()

    def write_prompt(self, text: str, color: QColor) -> None:
        """Write the prompt, which belongs to no token."""
        self._insert(self._pieces(text), color, color)

    def write_tokens(
        self,
        tokens: Sequence[ExplainedToken],
        label: Callable[[int], str],
        color: QColor,
        marks: QColor,
    ) -> None:
        """Write tokens. A token without text is shown as a mark: the ``label`` of its id."""
        pieces: list[tuple[str, bool]] = []
        for token in tokens:
            self.map.begin_token()
            pieces += self._pieces(token.text)
            if not token.text:
                name = label(token.token_id)
                self.map.add(name, "")
                pieces.append((name, True))
        self._insert(pieces, color, marks)

    def _pieces(self, text: str) -> list[tuple[str, bool]]:
        """Split ``text`` into pieces as they are shown, each with whether it is a mark."""
        if text.isascii() and text.isprintable():  # most tokens: nothing in them has a mark
            if text:
                self.map.add(text, text)
            return [(text, False)]
        pieces = []
        for shown, exact in show(text):
            self.map.add(shown, exact)
            pieces.append((shown, shown != exact))
        return pieces

    def _insert(self, pieces: list[tuple[str, bool]], color: QColor, marks: QColor) -> None:
        """Insert pieces; neighbours with the same format are inserted together."""
        cursor = QTextCursor(self._document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        formats = _format(color), _format(marks)
        cursor.beginEditBlock()
        for mark, group in groupby(pieces, itemgetter(1)):
            cursor.insertText("".join(shown for shown, _ in group), formats[mark])
        cursor.endEditBlock()


def _format(color: QColor) -> QTextCharFormat:
    char_format = QTextCharFormat()
    char_format.setForeground(color)
    return char_format
