"""Writes exact text into a document as it is shown, and keeps where in the document it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor, QTextDocument

from app.attribution.explained_token import ExplainedToken
from app.decoding.shown_text import show
from app.ui.text.transcript_text import TextMap


class TextWriter:
    """Writes at the end of an empty document; ``map`` says where everything is."""

    def __init__(self, document: QTextDocument) -> None:
        self._document = document
        self.map = TextMap()

    def write_prompt(self, text: str, color: QColor) -> None:
        """Write text that belongs to no token."""
        self._insert(self._pieces(text), color, color)

    def write_tokens(
        self,
        tokens: Sequence[ExplainedToken],
        label: Callable[[int], str],
        color: QColor,
        marks: QColor,
    ) -> None:
        """Write tokens; those without text are shown by the ``label`` of their id, as a mark."""
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
        """What is shown for ``text``, and whether it is a mark."""
        pieces = []
        for shown, exact in show(text):
            self.map.add(shown, exact)
            pieces.append((shown, shown != exact))
        return pieces

    def _insert(self, pieces: list[tuple[str, bool]], color: QColor, marks: QColor) -> None:
        """Insert pieces, as few at a time as their two looks need."""
        cursor = QTextCursor(self._document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        looks = _look(color), _look(marks)
        cursor.beginEditBlock()
        for mark, group in groupby(pieces, itemgetter(1)):
            cursor.insertText("".join(shown for shown, _ in group), looks[mark])
        cursor.endEditBlock()


def _look(color: QColor) -> QTextCharFormat:
    look = QTextCharFormat()
    look.setForeground(color)
    return look
