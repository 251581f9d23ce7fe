"""Background marks of the selected token and the selected range in the transcript."""

from __future__ import annotations

from PySide6.QtGui import QColor, QTextDocument
from PySide6.QtWidgets import QTextEdit

from app.ui.state.runs.selection import Selection
from app.ui.text.text_cursors import fixed_cursor
from app.ui.text.transcript_text import TextMap
from app.ui.theme import Theme, blend, range_shade

_SOFT = 0.5
"""How much of the background the mark of a token in a range has."""


def selection_marks(
    document: QTextDocument, text_map: TextMap, selection: Selection, theme: Theme
) -> list[QTextEdit.ExtraSelection]:
    """Marks of the selected range and, above it, of the selected token, if they are shown.

    Selected text has the usual colour of text, so a token in a range has a background for that.
    """
    marks = []
    if selection.range is not None and selection.range[0] < text_map.count:
        first, end = selection.range
        start, stop = text_map.token_range(first)[0], text_map.token_range(end - 1)[1]
        marks.append(_mark(document, start, stop, range_shade(theme)))
    token, chosen = selection.token, selection.range
    if token is not None and token < text_map.count:
        inside = chosen is not None and chosen[0] <= token < chosen[1]
        back = blend(theme.accent, theme.surface, _SOFT) if inside else QColor(theme.accent)
        mark = _mark(document, *text_map.token_range(token), back)
        mark.format.setForeground(QColor(theme.text if inside else theme.on_accent))
        marks.append(mark)
    return marks


def _mark(document: QTextDocument, start: int, end: int, color: QColor) -> QTextEdit.ExtraSelection:
    mark = QTextEdit.ExtraSelection()
    mark.cursor = fixed_cursor(document, start, end)
    mark.format.setBackground(color)
    return mark
