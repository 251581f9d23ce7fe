"""The view of a text in tokens of the base, above the same text in tokens of a pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from app.checkpoints.vocabulary.label_bytes import bytes_label
from app.decoding.bridge.correspondence import AlignedText, PlacedToken
from app.ui.correspondence.readings import Reading, about_reading, pieces_of
from app.ui.correspondence.token_boxes import (
    Layout,
    Measures,
    TokenBox,
    lay_out,
    paint_base_box,
    paint_pair_box,
)
from app.ui.theme import SMALL, SPACE, Theme, current_theme
from app.ui.widgets.plain_tip import plain_tip
from app.wording import quoted, visible

_EMPTY = AlignedText((), (), ())
_NOTHING = Layout((), (), (), 0.0, 0.0)


class AlignedTextView(QAbstractScrollArea):
    """Shows an aligned text in lines; the arrow keys and the mouse choose a token of the base.

    Args:
        special: The label of a special token of the base, from its id.
    """

    token_chosen = Signal(int)
    """The index of the token of the base that was chosen."""

    def __init__(self, special: Callable[[int], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._special = special
        self._text = _EMPTY
        self._readings: list[Reading] = []
        self._layout = _NOTHING
        self._line = 0.0
        self.chosen: int | None = None
        self.setAccessibleName(self.tr("Tokens of the base above, those of the pair below"))
        self.setProperty("role", "framed")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(640, 280)

    def show_text(self, text: AlignedText, readings: Sequence[Reading]) -> None:
        """Show a text from its beginning."""
        self._text, self._readings, self.chosen = text, list(readings), None
        self.verticalScrollBar().setValue(0)
        self.horizontalScrollBar().setValue(0)
        self._lay_out()

    def describe(self, index: int) -> str:
        """A token of the base, the tokens of the pair for it, and how it is read."""
        token, place = self._text.base[index], 0
        for block in self._text.blocks:
            if index < place + len(block.base):
                pieces = pieces_of(block, index - place)
                below = " ".join(quoted(bytes_label(piece)) for piece in pieces)
                shown = quoted(self._text_of(token))
                parts = [shown, about_reading(self._readings[index])]
                if below:
                    parts.insert(1, self.tr("pair: {0}").format(below))
                return " · ".join(parts)
            place += len(block.base)
        return ""

    def choose(self, index: int) -> None:
        """Choose a token of the base and scroll to it."""
        self.chosen = index
        self.setAccessibleDescription(self.describe(index))
        self._reveal(self._layout.base[index])
        self.viewport().update()
        self.token_chosen.emit(index)

    # Layout

    def _text_of(self, token: PlacedToken) -> str:
        """The text of a token; that of a special one comes from the base's tokenizer."""
        return bytes_label(token.spelled) if token.spelled else self._special(token.token_id)

    def _label(self, token: PlacedToken) -> str:
        return visible(self._text_of(token))

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * SMALL * SMALL)
        return font

    def _lay_out(self) -> None:
        measures = Measures(QFontMetricsF(self.font()), QFontMetricsF(self._small()))
        width = self.viewport().width() - 2 * SPACE
        self._layout = lay_out(self._text, self._readings, self._label, measures, width)
        self._line = measures.line
        view, needed = self.viewport().size(), self._layout
        for bar, whole, page in (
            (self.verticalScrollBar(), needed.height + 2 * SPACE, view.height()),
            (self.horizontalScrollBar(), needed.width + 2 * SPACE, view.width()),
        ):
            bar.setRange(0, max(round(whole) - page, 0))
            bar.setPageStep(page)
            bar.setSingleStep(round(measures.line / 2))
        self.viewport().update()

    def _origin(self) -> QPointF:
        """Where the layout begins in the viewport."""
        left, top = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        return QPointF(SPACE - left, SPACE - top)

    def _reveal(self, box: TokenBox) -> None:
        """Scroll until the line of a token, and the token, can be seen."""
        view, bar, side = self.viewport(), self.verticalScrollBar(), self.horizontalScrollBar()
        top = round(box.line * self._line)
        lowest = round((box.line + 1) * self._line) + SPACE - view.height()
        bar.setValue(min(max(bar.value(), lowest), top))
        left, right = box.place.left() + SPACE, box.place.right() + SPACE
        if left < side.value() or right > side.value() + view.width():
            side.setValue(round(box.place.left()))

    def _token_at(self, where: QPointF) -> int | None:
        at = where - self._origin()
        found = (box.index for box in self._layout.base if box.place.contains(at))
        return next(found, None)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme = current_theme()
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.viewport().rect(), QColor(theme.surface))
        painter.translate(self._origin())
        shown = event.rect().translated(-self._origin().toPoint())
        margin = shown.adjusted(0, -40, 0, 40)
        painter.setPen(QPen(QColor(theme.muted), 1.0))
        for span in self._layout.blocks:
            if margin.intersects(span.toRect()):
                middle = span.center().y()
                painter.drawLine(QPointF(span.left(), middle), QPointF(span.right(), middle))
                for x in (span.left(), span.right()):
                    painter.drawLine(QPointF(x, middle - 2.5), QPointF(x, middle + 2.5))
        for box in self._layout.pair:
            if margin.intersects(box.place.toRect()):
                paint_pair_box(painter, box.place, box.text, theme)
        for box in self._layout.base:
            if margin.intersects(box.place.toRect()):
                self._paint_base(painter, box, theme)
        painter.end()

    def _paint_base(self, painter: QPainter, box: TokenBox, theme: Theme) -> None:
        painter.setFont(self.font())
        paint_base_box(painter, box.place, box.text, self._readings[box.index], theme)
        if box.index == self.chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.accent), 2.0))
            painter.drawRoundedRect(box.place, 4.0, 4.0)
        if box.word:
            painter.setFont(self._small())
            painter.setPen(QColor(theme.muted))
            above = box.place.translated(0, -box.place.height())
            bottom = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            painter.drawText(above, bottom | Qt.TextFlag.TextDontClip, box.word)
            painter.setFont(self.font())

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._lay_out()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        index = self._token_at(event.position())
        if index is not None:
            self.choose(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        target = self._target(Qt.Key(event.key()))
        if target is None:
            super().keyPressEvent(event)
        else:
            self.choose(target)

    def _target(self, key: Qt.Key) -> int | None:
        """The token that a key leads to; None for other keys and without a text."""
        boxes = self._layout.base
        if not boxes:
            return None
        at = self.chosen
        if key == Qt.Key.Key_Home or (at is None and key in _STEPS):
            return 0
        if key == Qt.Key.Key_End:
            return len(boxes) - 1
        if at is None or key not in _STEPS:
            return None
        along, down = _STEPS[key]
        if along:
            return min(max(at + along, 0), len(boxes) - 1)
        x, line = boxes[at].place.center().x(), boxes[at].line + down
        there = [box for box in boxes if box.line == line]
        return min(there, key=lambda box: abs(box.place.center().x() - x)).index if there else at

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self._token_at(QPointF(event.pos()))
            if index is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), plain_tip(self.describe(index)), self)
            return True
        return super().viewportEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange):
            self._lay_out()


_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
"""Tokens and lines that a key moves by."""
