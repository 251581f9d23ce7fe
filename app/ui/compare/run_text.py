"""Text widget of a run in comparisons: tinted by shift, with the shared part muted."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFont,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QFrame, QMenu, QPlainTextEdit, QTextEdit, QWidget

from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT, Measure, Unit
from app.attribution.tint_scale import USUAL, Tint, TintScale, unit_of
from app.checkpoints.conversation import contents
from app.decoding.shown_text import show
from app.evaluation.run_comparison import SharedTokens
from app.ui.state.runs.run import Run
from app.ui.state.runs.token_groups import Grouping
from app.ui.text.text_cursors import exact_selection, fixed_cursor, selection_kept
from app.ui.text.tint import Scale, mark_color, scale_of
from app.ui.text.transcript_text import TextMap
from app.ui.theme import SPACE, current_theme

_READING_SIZE = 1.1
_DIVERGENCE = "▶ "
_AT_ONCE = 250
"""Tokens that are written in one go; the window answers before the next ones."""


class RunText(QPlainTextEdit):
    """Read-only text of a run; keys and mouse select a token, and copying gives the exact text."""

    token_chosen = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run: Run | None = None
        self._common: int | None = None
        self._shared: SharedTokens | None = None
        self._chosen_scale = USUAL
        self._scale = self._new_scale()
        self._map = TextMap()
        self._chosen: int | None = None
        self._pressed_at = QPoint()
        self._shows_divergence = False
        self._rest = QTimer(self, interval=0, singleShot=True)
        self._rest.timeout.connect(self.append_new)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "bare")
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setCursorWidth(0)
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        font = QFont("serif")
        font.setStyleHint(QFont.StyleHint.Serif)
        font.setPointSizeF(self.font().pointSizeF() * _READING_SIZE)
        self.document().setDefaultFont(font)
        self.document().setDocumentMargin(SPACE // 2)
        self.setAccessibleName(name)

    def show_run(
        self,
        run: Run | None,
        common: int | None = None,
        shared: SharedTokens | None = None,
        chosen: TintScale = USUAL,
    ) -> None:
        """Show ``run``; its first ``common`` tokens are muted and followed by a mark.

        With ``shared`` the tokens that the other run has too are tinted by the difference to it
        instead, those after the parting included, and underlined where the argmax differs. Tokens
        whose number is beyond the scale have a line above.

        Args:
            run: The run.
            common: The number of tokens at the beginning that the other run has too.
            shared: The differences to the other run.
            chosen: The scale of the differences.
        """
        same = run is self.run and common == self._common and chosen == self._chosen_scale
        if same and _alike(shared, self._shared):
            self.append_new()
            return
        self.run, self._common, self._shared, self._chosen = run, common, shared, None
        self._chosen_scale = chosen
        self._rebuild()

    @property
    def scale(self) -> Scale:
        """The colour scale of the tint."""
        return self._scale

    @property
    def saturates(self) -> bool:
        """Whether the difference at any token is beyond the scale."""
        return self._shared is not None and any(map(self._scale.saturates, self._differences()))

    def _new_scale(self) -> Scale:
        theme = current_theme()
        if self._shared is None:
            return scale_of(Tint(), Grouping.TOKEN, theme)
        values = np.array(self._differences())
        return scale_of(Tint(), Grouping.TOKEN, theme, self._chosen_scale, values)

    def _differences(self) -> list[float]:
        """The differences to the other run in the unit of the scale; NaN where there is none."""
        bits = self._shared.bits if self._shared else np.zeros(0)
        in_nats = unit_of(Measure.SHIFT, self._chosen_scale) is Unit.NATS
        values: list[float] = (bits * BIT if in_nats else bits).tolist()
        return values

    def append_new(self) -> None:
        """Append the new tokens of the run; many of them one part after the other."""
        if self.run is None or len(self.run.tokens) == self._map.count:
            return
        bar = self.verticalScrollBar()
        known = self._map.count
        follows = self.run.active and bar.value() >= bar.maximum() - 2
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        with selection_kept(self):
            cursor.beginEditBlock()
            for token in self.run.tokens[known : known + _AT_ONCE]:
                self._write(cursor, token)
            cursor.endEditBlock()
        if follows:
            bar.setValue(bar.maximum())
        if self._map.count < len(self.run.tokens):
            self._rest.start()
        else:
            self._on_written()

    def _on_written(self) -> None:
        """Scroll to what was asked for before it was written."""
        if self._shows_divergence:
            self.show_divergence()
        if self._chosen is not None:
            self.choose(self._chosen)

    def choose(self, index: int | None) -> None:
        """Mark a token and scroll to it."""
        self._chosen = index
        if index is not None and index >= self._map.count:
            index = None
        marks = []
        if index is not None:
            mark = QTextEdit.ExtraSelection()
            mark.cursor = self._cursor_at(index)
            theme = current_theme()
            mark.format.setBackground(QColor(theme.accent))
            mark.format.setForeground(QColor(theme.on_accent))
            marks.append(mark)
        self.setExtraSelections(marks)
        if index is not None:
            self._bring_into_sight(index)

    def show_divergence(self) -> None:
        """Scroll to the first token that is not shared, with some text before it, or to the top."""
        self._shows_divergence = self._map.count < len(self.run.tokens if self.run else ())
        self.verticalScrollBar().setValue(0)
        if self._common and self._common < self._map.count:
            self._bring_into_sight(self._common)

    def _cursor_at(self, index: int) -> QTextCursor:
        return fixed_cursor(self.document(), *self._map.token_range(index))

    def _bring_into_sight(self, index: int) -> None:
        cursor = self._cursor_at(index)
        cursor.setPosition(cursor.selectionStart())
        if not self.viewport().rect().contains(self.cursorRect(cursor).center()):
            self.setTextCursor(cursor)
            self.centerCursor()

    # Writing

    def _rebuild(self) -> None:
        self.clear()
        self.setExtraSelections([])
        self._map = TextMap()
        self._scale = self._new_scale()
        if self.run is None:
            return
        cursor = QTextCursor(self.document())
        muted = QTextCharFormat()
        muted.setForeground(QColor(current_theme().muted))
        if self._common is not None:
            for shown, exact in show(contents(self.run.prompt)):
                self._map.add(shown, exact)
                cursor.insertText(shown, muted)
        self.append_new()

    def _write(self, cursor: QTextCursor, token: ExplainedToken) -> None:
        theme = current_theme()
        if token.index == self._common:
            sign = QTextCharFormat()
            sign.setForeground(QColor(theme.accent))
            self._map.add(_DIVERGENCE, "")
            cursor.insertText(_DIVERGENCE, sign)
        look, marks = QTextCharFormat(), QTextCharFormat()
        tint = self._tint_of(token)
        muted = tint is None and self._is_shared(token)
        look.setForeground(QColor(theme.muted if muted else theme.text))
        marks.setForeground(QColor(theme.muted) if muted else mark_color(theme))
        if tint is not None:
            for style in (look, marks):
                style.setBackground(self._scale.color(tint))
                style.setFontOverline(self._scale.saturates(tint))
            if self._is_underlined(token):
                look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        self._map.begin_token()
        for shown, exact in show(token.text):
            self._map.add(shown, exact)
            cursor.insertText(shown, look if shown == exact else marks)
        if not token.text and self.run is not None:
            label = self.run.label(token.token_id)
            self._map.add(label, "")
            cursor.insertText(label, marks)

    def _is_shared(self, token: ExplainedToken) -> bool:
        return self._common is not None and token.index < self._common

    def _tint_of(self, token: ExplainedToken) -> float | None:
        """The value that tints a token, in the unit of the scale; None if nothing does."""
        if self._shared is None:
            return None if self._is_shared(token) else token.attribution.shift / BIT
        known = token.index < len(self._shared.bits)
        found = float(self._shared.bits[token.index]) if known else math.nan
        found = found * BIT if self._scale.unit is Unit.NATS else found
        return None if math.isnan(found) and not self._is_shared(token) else found

    def _is_underlined(self, token: ExplainedToken) -> bool:
        if self._shared is not None:
            return token.index in self._shared.changed
        return token.attribution.flipped

    # Events

    def token_at(self, point: QPoint) -> int | None:
        """The token at a point of the viewport, or the nearest token on its line."""
        position = self.cursorForPosition(point).position()
        index = self._map.token_at(position)
        if index is not None:  # Qt's cursor position may be after the glyph
            start, _ = self._map.token_range(index)
            edge = QTextCursor(self.document())
            edge.setPosition(start)
            if position == start and self.cursorRect(edge).left() > point.x():
                index = self._map.token_at(position - 1)
        return index

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        self._pressed_at = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        super().mouseReleaseEvent(event)
        point = event.position().toPoint()
        if (point - self._pressed_at).manhattanLength() < 4:
            index = self.token_at(point)
            if index is not None:
                self.token_chosen.emit(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 — Qt's name
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.token_at(event.pos()) if by_mouse else self._chosen
        if index is None or self.run is None:
            super().contextMenuEvent(event)
            return
        self.token_chosen.emit(index)
        token, menu = self.run.tokens[index], QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self.textCursor().hasSelection():
            menu.addAction(self.tr("Copy the selected text"), self.copy)
        for title, text in (
            (self.tr("Copy the text of the token"), token.text),
            (self.tr("Copy the token id"), str(token.token_id)),
        ):
            menu.addAction(title, partial(QGuiApplication.clipboard().setText, text))
        menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        by = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()), 0)
        if by and event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        ):
            first = self._common or 0
            place = (first if by > 0 else first - 1) if self._chosen is None else self._chosen + by
            if 0 <= place < self._map.count:
                self.token_chosen.emit(place)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self.run is not None:
            chosen = self._chosen
            self._rebuild()
            self.choose(chosen)

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802 — Qt's name
        return exact_selection(self, self._map)


def _alike(shared: SharedTokens | None, other: SharedTokens | None) -> bool:
    """Whether both are the same differences at the same tokens."""
    if shared is None or other is None:
        return shared is other
    same_bits = np.array_equal(shared.bits, other.bits, equal_nan=True)
    return same_bits and shared.changed == other.changed
