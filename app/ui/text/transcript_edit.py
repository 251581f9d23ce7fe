"""Text widget of the transcript: tints, selection by token, group or range, and copying."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QPlainTextEdit, QToolTip, QWidget

from app.checkpoints.conversation import contents
from app.decoding.types import WhatIfToken
from app.ui.state.runs.run import Run
from app.ui.state.runs.selection import Selection
from app.ui.state.session import Session
from app.ui.text.bookmark_painter import paint_bookmarks
from app.ui.text.changed_lines import line_start, paint_from, unpainted
from app.ui.text.found_painter import paint_found
from app.ui.text.reading_text import set_up_reading
from app.ui.text.text_cursors import (
    clear_selection,
    exact_selection,
    point_below,
    scroll_to,
    selection_kept,
    shown_at,
)
from app.ui.text.text_pattern import Spans
from app.ui.text.text_writer import TextWriter
from app.ui.text.tint import mark_color
from app.ui.text.tint_painter import TintPainter, paint_marks, paint_tints
from app.ui.text.token_clicks import choose_by_click
from app.ui.text.token_keys import move_in_text
from app.ui.text.token_tints import TokenTints
from app.ui.text.token_words import describe_as_html, describe_range, describe_token, what_if_tokens
from app.ui.text.transcript_marks import selection_marks
from app.ui.text.transcript_text import TextMap
from app.ui.theme import current_theme

_CLICK = 4
_AT_ONCE = 3000
"""Tokens that are written in one go; the window answers before the next ones."""


class TranscriptText(QPlainTextEdit):
    """Read-only text of prompt and run; copying gives the exact text, without marks.

    Args:
        run: A run to show without its prompt, instead of the shown run.
    """

    theme_changed = Signal()
    """The tokens have the colours of another theme."""

    def __init__(
        self, session: Session, parent: QWidget | None = None, run: Run | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._own_run = run
        self._nothing = Selection(lambda: None, self)
        self._writer = TextWriter(self.document())
        self._shown_run: Run | None = None
        self._theme = current_theme()
        self._tints: TokenTints | None = None
        self._painter: TintPainter | None = None
        self._others: dict[int, WhatIfToken] = {}
        self._found: Spans = []
        self._pressed_at = QPoint()
        self._changing = False
        self._following = True
        self._rest = QTimer(self, interval=0, singleShot=True)
        self._rest.timeout.connect(self._append)
        set_up_reading(self, session.display)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        session.runs.run_changed.connect(self._on_run)
        session.runs.tokens_added.connect(self._append)
        session.runs.questions.changed.connect(self._on_what_if)
        session.selection.changed.connect(self._on_selection)
        session.selection.range_changed.connect(self._on_range)
        session.selection.bookmarks.changed.connect(self.viewport().update)
        session.display.tint_changed.connect(self._on_tint)
        self.selectionChanged.connect(self._on_text_selected)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self._on_run()

    @property
    def tints(self) -> TokenTints | None:
        """Colours of the tokens; None while there is no run."""
        return self._tints

    @property
    def places(self) -> TextMap:
        """Where prompt and tokens are in the document."""
        return self._writer.map

    @property
    def shown_run(self) -> Run | None:
        """The run whose tokens are written here."""
        return self._shown_run

    # Content

    @property
    def _run_to_show(self) -> Run | None:
        return self._own_run or self._session.runs.current

    @property
    def _selection(self) -> Selection:
        """The selection, or one without tokens while another run is the shown one."""
        shown = self._run_to_show is self._session.runs.current
        return self._session.selection if shown else self._nothing

    def _on_run(self) -> None:
        if self._run_to_show is self._shown_run:
            self._append()  # the end of a run may bring tokens as well
            self._mark_selected()
        else:
            self._rebuild()

    def _rebuild(self) -> None:
        """Write the whole document again: for another run, or for another theme."""
        run = self._shown_run = self._run_to_show
        display = self._session.display
        self._theme = current_theme()
        self._tints = self._painter = None
        self._found = []
        self._changing = True
        self.clear()
        self._writer = TextWriter(self.document())
        if run is not None:
            self._tints = TokenTints(
                run, display.tint, display.grouping, self._theme, display.tint_scales
            )
            self._painter = TintPainter(self, self.places, run, self._tints)
            self._others = what_if_tokens(run, self._session.runs.questions.answer)
            if self._own_run is None:
                self._writer.write_prompt(contents(run.prompt), QColor(self._theme.muted))
            self._append()
        self._changing = False
        self._follow()
        self._mark_selected()

    def _append(self) -> None:
        run, tints, following = self._shown_run, self._tints, self._following
        if run is None or tints is None or self.places.count == len(run.tokens):
            return
        # New tokens may change the number of the last groups.
        first = line_start(self.document(), self.places.start_of(tints.settled))
        scale = tints.scale
        tints.extend()
        known, text = self.places.count, QColor(self._theme.text)
        new = run.tokens[known : known + _AT_ONCE]
        with selection_kept(self), unpainted(self.document()):
            self._writer.write_tokens(new, run.label, text, mark_color(self._theme))
        if following:
            self._follow()
        if tints.scale == scale:
            paint_from(self, first)
        else:
            self.viewport().update()
        if self.places.count < len(run.tokens):
            self._rest.start()
        elif known and known <= (self._selection.token or 0):
            self._on_selection()  # of a token that was not written yet

    def _follow(self) -> None:
        """Scroll to the end and stay there while tokens are added."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum())
        self._following = True

    def _on_scrolled(self, value: int) -> None:
        self._following = value >= self.verticalScrollBar().maximum() - 2

    def _on_tint(self) -> None:
        if self._tints is not None:
            display = self._session.display
            self._tints.choose(display.tint, display.grouping, self._theme, display.tint_scales)
            self._describe_selected()
            self.viewport().update()

    def _on_what_if(self) -> None:
        if self._shown_run is not None:
            self._others = what_if_tokens(self._shown_run, self._session.runs.questions.answer)
            self._describe_selected()
            self.viewport().update()

    # Selection

    def _on_selection(self) -> None:
        self._mark_selected()
        self._describe_selected()
        index = self._selection.token
        if index is not None and index < self.places.count:
            self._scroll_to(self.places.token_range(index)[0])

    def _on_range(self) -> None:
        if self._selection.range is None:
            self._unselect_text()
        self._mark_selected()
        self._describe_selected()

    def _on_text_selected(self) -> None:
        """Select the range of tokens that the text selection covers."""
        cursor = self.textCursor()
        if self._changing or not cursor.hasSelection():
            return
        tokens = self.places.tokens_in(cursor.selectionStart(), cursor.selectionEnd())
        inside = self.places.count and cursor.selectionEnd() > self.places.token_range(0)[0]
        chosen = (tokens.start, tokens.stop) if inside and tokens else None
        self._changing = True  # keeps the text selection, also where it lies in the prompt
        self._session.selection.select_range(chosen)
        self._changing = False

    def _unselect_text(self) -> None:
        if not self._changing and self.textCursor().hasSelection():
            self._changing = True
            clear_selection(self)
            self._changing = False

    def _scroll_to(self, position: int) -> None:
        """Bring a position into view."""
        scroll_to(self, position)

    def _mark_selected(self) -> None:
        marks = selection_marks(self.document(), self.places, self._selection, self._theme)
        self.setExtraSelections(marks)

    def _describe_selected(self) -> None:
        run, tints, selection = self._shown_run, self._tints, self._selection
        lines = []
        if run and tints and selection.token is not None and selection.token < self.places.count:
            what_if = self._session.runs.questions.answer
            lines.append(describe_token(run, tints, selection.token, what_if))
        if (
            run
            and tints
            and selection.range is not None
            and selection.range[1] <= self.places.count
        ):
            totals = tints.series.totals(*selection.range)
            lines.append(describe_range(run, selection.range, totals, tints.units))
        self.setAccessibleDescription("\n".join(lines))

    def select_token(self, index: int) -> None:
        """Select a token alone, without a range."""
        self._unselect_text()
        self._selection.select_range(None)
        self._selection.select(index)

    def show_found(self, spans: Spans) -> None:
        """Frame what a search found: ascending ranges of positions in the document."""
        self._found = spans
        self.viewport().update()

    def token_at(self, point: QPoint) -> int | None:
        """The token shown at a point of the viewport, or None."""
        run = self._shown_run
        if run is None or not run.tokens:
            return None
        position = self.cursorForPosition(point).position()
        for candidate in (position, position - 1):  # the cursor may be behind the glyph
            index = self.places.token_at(candidate)
            if index is not None and shown_at(self, *self.places.token_range(index), point):
                return index
        return None

    def place_below(self, index: int) -> QPoint:
        """Point of the screen right below the first character of a token."""
        start = self.places.token_range(index)[0] if self.places.count else 0
        return point_below(self, start)

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        self._pressed_at = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseReleaseEvent(event)
        point = event.position().toPoint()
        clicked = (point - self._pressed_at).manhattanLength() < _CLICK
        if event.button() == Qt.MouseButton.LeftButton and clicked:
            self._click(self.token_at(point), event.modifiers())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 — Qt's name
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        token = self.token_at(event.pos()) if by_mouse else self._selection.token
        if token is None:
            super().contextMenuEvent(event)
            return
        self._session.selection.point_at(token)
        place = event.globalPos() if by_mouse else self.place_below(token)
        self._session.selection.menu_requested.emit(place, [])

    def _click(self, token: int | None, modifiers: Qt.KeyboardModifier) -> None:
        if token is not None and not self.textCursor().hasSelection():
            choose_by_click(self._session, self._tints, token, modifiers)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        shift = modifiers == Qt.KeyboardModifier.ShiftModifier
        plain = modifiers == Qt.KeyboardModifier.NoModifier
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_chosen()
        elif plain and event.key() == Qt.Key.Key_Escape:
            self._clear_selection()
        elif not ((plain or shift) and self._move(Qt.Key(event.key()), stretch=shift)):
            super().keyPressEvent(event)

    def copy_chosen(self) -> None:
        """Copy the selected text, or without one the text of the selected range."""
        chosen = self._session.selection.range
        if self.textCursor().hasSelection() or chosen is None:
            self.copy()
        else:
            first, end = chosen
            places = self.places.token_range(first)[0], self.places.token_range(end - 1)[1]
            QGuiApplication.clipboard().setText(self.places.exact(*places))

    def _clear_selection(self) -> None:
        """Clear the selected range, or without one the text selection or the selected token."""
        selection = self._session.selection
        if selection.range is not None:
            selection.select_range(None)
        elif self.textCursor().hasSelection():
            self._unselect_text()
        else:
            selection.select(None)

    def _move(self, key: Qt.Key, *, stretch: bool) -> bool:
        """Move the selected token by a key, or extend the range; whether the key does that."""
        if stretch:
            self._unselect_text()
        return move_in_text(self._session.selection, key, self.document(), self.places, stretch)

    def tool_tip(self, index: int) -> str:
        """Tool tip of a token or its group, as HTML."""
        run, tints = self._shown_run, self._tints
        what_if = self._session.runs.questions.answer
        return describe_as_html(run, tints, index, what_if) if run and tints else ""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        decorations = (
            self._painter.decorations(QRectF(event.rect()), self._others) if self._painter else []
        )
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self.viewport().palette().base())
        paint_tints(painter, decorations)
        painter.end()
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        paint_marks(painter, decorations, self._theme)
        clip = QRectF(event.rect())
        marked = sorted(self._shown_run.bookmarks) if self._shown_run else []
        paint_found(painter, self, clip, self._found, self._theme)
        paint_bookmarks(painter, self, clip, marked, self.places, self._theme)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        following = self._following
        super().resizeEvent(event)
        if following:
            self._follow()  # another width moves line breaks and the end of the text

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self.token_at(event.pos())
            if index is None or self._shown_run is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self.tool_tip(index), self)
            return True
        return super().viewportEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._following:
            self._follow()
        if event.type() == QEvent.Type.PaletteChange and self._theme != current_theme():
            top = self.firstVisibleBlock().blockNumber()
            self._rebuild()
            line = self.document().findBlockByNumber(top).firstLineNumber()
            self.verticalScrollBar().setValue(line)
            self.theme_changed.emit()

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802
        return exact_selection(self, self.places)
