"""The text as it streams: each token tinted by how much the expert pairs moved its probability."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QStackedLayout,
    QTextEdit,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from app.decoding.types import FinishReason
from app.ui.run import Run, Token
from app.ui.session import LoadState, Session
from app.ui.text.legend import TintLegend
from app.ui.text.tint import mark_color, tint
from app.ui.text.transcript_text import TextMap, show
from app.ui.theme import SPACE, current_theme
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring
from app.ui.wording import probability, quoted, signed

_READING_SIZE = 1.2


class TranscriptView(QWidget):
    """Prompt and generated text with the legend below; says what to do while there is none."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.text = TranscriptText(session)
        self.text.installEventFilter(self)
        self._empty = QLabel(
            self.tr(
                "<p><b>Press Generate to continue the prompt.</b></p>"
                "<p>Each token is then coloured by how much the experts changed its probability."
                "<br>Move α while it runs: the next token follows it.</p>"
            )
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "caption")
        self._note = QLabel()
        self._note.setProperty("role", "caption")
        self._pages = QStackedLayout()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.text)
        legend = TintLegend()
        self._note.setFont(legend.font())
        footer = QHBoxLayout()
        footer.setSpacing(SPACE)
        footer.addWidget(legend)
        footer.addStretch(1)
        footer.addWidget(self._note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, FOCUS_GAP, FOCUS_GAP, 0)
        layout.setSpacing(SPACE)
        layout.addLayout(self._pages, 1)
        layout.addLayout(footer)
        session.runs.run_changed.connect(self._update)
        session.load_changed.connect(self._update)
        session.runs.tokens_added.connect(self._update)
        self._update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        paint_focus_ring(self, self.text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(watched, event)

    def _update(self) -> None:
        run = self._session.runs.current
        self._pages.setCurrentIndex(0 if run is None else 1)
        self._note.setText(self._describe(run) if run else "")

    def _describe(self, run: Run) -> str:
        if run.active and not run.tokens:
            loaded = self._session.load_state is LoadState.LOADED
            return (
                self.tr("reading the prompt …") if loaded else self.tr("waiting for the models …")
            )
        if run.finish_reason is None:
            return ""
        if not run.tokens and run.finish_reason is FinishReason.EOS:
            return self.tr("The models ended the text at once.")
        return {
            FinishReason.EOS: self.tr("end of text"),
            FinishReason.STOP: self.tr("stop string"),
            FinishReason.LENGTH: self.tr("{0} tokens: the limit").format(f"{len(run.tokens):,}"),
            FinishReason.CANCELLED: self.tr("stopped"),
        }[run.finish_reason]


class TranscriptText(QPlainTextEdit):
    """The text itself. Copying gives the exact text, without the marks for line breaks."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._map = TextMap()
        self._shown_run: Run | None = None
        self._theme = current_theme()
        self._pressed_at = QPoint()
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setProperty("role", "bare")
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setCursorWidth(0)  # the selected token is what the keys move
        self.document().setDocumentMargin(0)
        self.setCursorWidth(0)  # what is selected is marked; a caret would say that one can type
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        font = QFont("serif")
        font.setStyleHint(QFont.StyleHint.Serif)
        font.setPointSizeF(self.font().pointSizeF() * _READING_SIZE)
        self.document().setDefaultFont(font)
        self.setAccessibleName(self.tr("Generated text"))
        session.runs.run_changed.connect(self._on_run)
        session.runs.tokens_added.connect(self._append)
        session.selection.changed.connect(self._on_selection)
        self._on_run()

    # Content

    def _on_run(self) -> None:
        if self._session.runs.current is not self._shown_run:
            self._rebuild()

    def _rebuild(self) -> None:
        """Write everything anew: for another run, or in other colours."""
        run = self._shown_run = self._session.runs.current
        self._theme = current_theme()
        self._map = TextMap()
        self.clear()
        if run is None:
            return
        plain = QTextCharFormat()
        plain.setForeground(QColor(self._theme.muted))
        self._write(QTextCursor(self.document()), run.prompt, plain, plain)
        self._append(0)
        self._mark_selected()

    def _append(self, first: int) -> None:
        run = self._session.runs.current
        if run is None or run is not self._shown_run:
            return
        bar = self.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for token in run.tokens[first:]:
            look = self._format(token)
            marks = QTextCharFormat(look)
            marks.setForeground(mark_color(token.attribution.shift, self._theme))
            self._map.begin_token()
            self._write(cursor, token.text, look, marks)
            if not token.text:
                label = run.label(token.token_id)
                self._map.add(label, "")
                cursor.insertText(label, marks)
        cursor.endEditBlock()
        if at_end:
            bar.setValue(bar.maximum())

    def _write(
        self, cursor: QTextCursor, text: str, look: QTextCharFormat, marks: QTextCharFormat
    ) -> None:
        for shown, exact in show(text):
            self._map.add(shown, exact)
            cursor.insertText(shown, look if shown == exact else marks)

    def _format(self, token: Token) -> QTextCharFormat:
        theme = self._theme
        look = QTextCharFormat()
        look.setForeground(QColor(theme.text))
        look.setBackground(tint(token.attribution.shift, theme))
        if token.attribution.flipped:
            look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            look.setUnderlineColor(QColor(theme.text))
        return look

    # Selection

    def _on_selection(self) -> None:
        self._mark_selected()
        if self._session.selection.token is None or self._shown_run is None:
            return
        start, _ = self._map.token_range(self._session.selection.token)
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        area = self.cursorRect(cursor)
        if not self.viewport().rect().contains(area.center()):
            self.setTextCursor(cursor)
            self.ensureCursorVisible()
        self.setAccessibleDescription(
            self._describe(self._shown_run, self._session.selection.token)
        )

    def _mark_selected(self) -> None:
        index = self._session.selection.token
        if index is None or self._shown_run is None:
            self.setExtraSelections([])
            return
        mark = QTextEdit.ExtraSelection()
        start, end = self._map.token_range(index)
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        mark.cursor = cursor
        mark.format.setBackground(QColor(self._theme.accent))
        mark.format.setForeground(QColor(self._theme.on_accent))
        self.setExtraSelections([mark])

    def token_at(self, point: QPoint) -> int | None:
        """The token shown at a point of the viewport, or None."""
        run = self._shown_run
        if run is None or not run.tokens:
            return None
        position = self.cursorForPosition(point).position()
        for candidate in (position, position - 1):  # the cursor may be behind the glyph
            index = self._map.token_at(candidate)
            if index is not None and self._area_of(index, point):
                return index
        return None

    def _area_of(self, index: int, point: QPoint) -> bool:
        """Whether ``point`` lies on the line and within the edges of a token's glyphs."""
        start, end = self._map.token_range(index)
        edge = QTextCursor(self.document())
        for position in range(start, end):
            edge.setPosition(position)
            left = self.cursorRect(edge)
            edge.setPosition(position + 1)
            right = self.cursorRect(edge)
            if left.top() <= point.y() <= left.bottom() and (
                left.left() <= point.x() <= right.left() or right.top() != left.top()
            ):
                return True
        return False

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        self._pressed_at = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        super().mouseReleaseEvent(event)
        point = event.position().toPoint()
        clicked = (point - self._pressed_at).manhattanLength() < 4
        if event.button() == Qt.MouseButton.LeftButton and clicked:
            index = self.token_at(point)
            if index is not None:
                self._session.selection.select(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        )
        if not plain or not self._move(Qt.Key(event.key())):
            super().keyPressEvent(event)

    def _move(self, key: Qt.Key) -> bool:
        session = self._session
        if key == Qt.Key.Key_Right:
            session.selection.move(1)
        elif key == Qt.Key.Key_Left:
            session.selection.move(-1)
        elif key == Qt.Key.Key_Home:
            session.selection.select(0)
        elif key == Qt.Key.Key_End and self._shown_run:
            session.selection.select(len(self._shown_run.tokens) - 1)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._move_by_line(down=key == Qt.Key.Key_Down)
        else:
            return False
        return True

    def _move_by_line(self, *, down: bool) -> None:
        if self._session.selection.token is None:
            self._session.selection.move(1 if down else -1)
            return
        selected = self._session.selection.token
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._map.token_range(selected)[0])
        move = QTextCursor.MoveOperation.Down if down else QTextCursor.MoveOperation.Up
        index: int | None = selected
        while index == selected and cursor.movePosition(move):  # a token may span several lines
            index = self._map.token_at(cursor.position())
        self._session.selection.select(0 if index is None else index)

    def tool_tip(self, index: int) -> str:
        """What hovering a token says, escaped: a token may look like markup."""
        if self._shown_run is None:
            return ""
        lines = escape(self._describe(self._shown_run, index)).splitlines()
        return f"<qt>{'<br>'.join(lines)}</qt>"

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
        if event.type() == QEvent.Type.PaletteChange and self._theme != current_theme():
            top = self.firstVisibleBlock().blockNumber()
            self._rebuild()
            line = self.document().findBlockByNumber(top).firstLineNumber()
            self.verticalScrollBar().setValue(line)

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802
        cursor = self.textCursor()
        data = QMimeData()
        data.setText(self._map.exact(cursor.selectionStart(), cursor.selectionEnd()))
        return data

    def _describe(self, run: Run, index: int) -> str:
        """A token in words, for the tool tip and for screen readers."""
        token = run.tokens[index]
        explained = token.attribution
        lines = [
            quoted(token.text or run.label(token.token_id)),
            self.tr("base {0} → tuned {1}, rank {2} → {3}").format(
                probability(explained.p_base),
                probability(explained.p_tuned),
                explained.rank_base,
                explained.rank_tuned,
            ),
        ]
        shares = zip(run.pair_names, explained.contributions, strict=True)
        lines += [f"{name} {signed(share)}" for name, share in shares]
        if explained.flipped:
            lines.append(self.tr("The experts changed the first choice."))
        return "\n".join(lines)
