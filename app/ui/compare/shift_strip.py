"""Strip chart of the shifts of two runs, aligned token by token."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.attribution.measures import BIT
from app.ui.state.runs.run import Run
from app.ui.theme import SMALL, SPACE, blend, current_theme
from app.ui.widgets.plain_tip import plain_tip
from app.ui.words.unit_words import bits
from app.wording import quoted

_LIMIT = 4.0
"""Shift in bits with a bar of full height."""
_ROW = 44
_GAP = 10
_NARROWEST, _WIDEST = 2.0, 14.0
_LEFT = 2 * SPACE


class ShiftStrip(QWidget):
    """Chart with a row of bars for each run: upwards where the pairs made a token more probable.

    Tokens with the same index are aligned; the shared tokens before the divergence are muted.
    """

    token_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: Sequence[Run] = ()
        self._common = 0
        self._first = 0
        self._chosen: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Shift of each token of both runs"))
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)

    def show_runs(self, runs: Sequence[Run], common: int) -> None:
        """Show runs that share their first ``common`` tokens."""
        self._runs, self._common = runs, common
        self._place()
        self.update()

    def choose(self, index: int | None) -> None:
        """Mark a token index and scroll to it."""
        self._chosen = index
        if index is not None:
            self.setAccessibleDescription(self.describe(index))
        self._place()
        self.update()

    def describe(self, index: int) -> str:
        """Describe the token of each run at an index, with its shift."""
        lines = [self.tr("token {0}").format(f"{index + 1:,}")]
        for run in self._runs:
            if index < len(run.tokens):
                token = run.tokens[index]
                what = quoted(token.text or run.label(token.token_id))
                shift = bits(token.attribution.shift / BIT, sign=True)
                lines.append(self.tr("{0}: shift {1}").format(what, shift))
            else:
                lines.append(self.tr("the run has ended"))
        return "\n".join(lines)

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(400, self._bottom + self.fontMetrics().height() + 6)

    # Geometry

    @property
    def _bottom(self) -> int:
        """Lower end of the bars of both runs."""
        return 2 * _ROW + _GAP

    @property
    def _count(self) -> int:
        return max((len(run.tokens) for run in self._runs), default=0)

    @property
    def _step(self) -> float:
        room = max(self.width() - _LEFT - SPACE, 1)
        return min(max(room / max(self._count, 1), _NARROWEST), _WIDEST)

    @property
    def _fitting(self) -> int:
        """Number of tokens that fit into the width."""
        return max(int((self.width() - _LEFT - SPACE) / self._step), 1)

    def _place(self) -> None:
        """Scroll to the marked token, or to the divergence, if not all tokens fit."""
        beyond = self._count - self._fitting
        wanted = self._common - self._fitting // 4 if self._chosen is None else self._first
        if self._chosen is not None and not wanted <= self._chosen < wanted + self._fitting:
            wanted = self._chosen - self._fitting // 2
        self._first = max(min(wanted, beyond), 0)

    def _x_of(self, index: int) -> float:
        return _LEFT + (index - self._first) * self._step

    def token_at(self, x: float) -> int | None:
        """The token index that is drawn at ``x``."""
        index = self._first + int((x - _LEFT) // self._step)
        return index if x >= _LEFT and 0 <= index < self._count else None

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme = current_theme()
        painter = QPainter(self)
        last = min(self._first + self._fitting + 1, self._count)
        if self._chosen is not None:
            band = QRectF(self._x_of(self._chosen), 0, self._step, self._bottom)
            painter.fillRect(band, QColor(theme.selection))
        for row, run in enumerate(self._runs):
            self._paint_row(painter, row, run, last)
        self._paint_captions(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_captions(self, painter: QPainter) -> None:
        """Paint the position of the divergence and, if it fits, a key to bars and lines."""
        theme, metrics = current_theme(), self.fontMetrics()
        height, end = self.height() - self._bottom, 0.0
        if 0 < self._common < self._count and self._common >= self._first:
            x = self._x_of(self._common)
            painter.setPen(QPen(QColor(theme.accent), 1.5))
            painter.drawLine(round(x), 0, round(x), self._bottom)
            parted = self.tr("the runs differ from token {0} on").format(f"{self._common + 1:,}")
            end = x + 4 + metrics.horizontalAdvance(parted)
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(x + 4, self._bottom, self.width(), height), left, parted)
        bars = self.tr("bars: shift, full height at {0} bits · line: flip")
        bars = bars.format(f"{_LIMIT:g}")
        if self._runs and end + 2 * SPACE + metrics.horizontalAdvance(bars) < self.width():
            painter.setPen(QColor(theme.muted))
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, self._bottom, self.width() - SPACE, height), right, bars)

    def _paint_row(self, painter: QPainter, row: int, run: Run, last: int) -> None:
        theme = current_theme()
        middle = row * (_ROW + _GAP) + _ROW / 2
        painter.setPen(QColor(theme.muted))
        painter.drawText(
            QRectF(0, middle - _ROW / 2, _LEFT, _ROW), Qt.AlignmentFlag.AlignCenter, "AB"[row]
        )
        painter.setPen(QColor(theme.border))
        painter.drawLine(_LEFT, round(middle), self.width() - SPACE, round(middle))
        gap = 1.0 if self._step >= 4 else 0.0
        for token in run.tokens[self._first : last]:
            shift = token.attribution.shift / BIT
            if shift != shift:
                continue  # probability 0 under base and tuned: no shift
            height = max(min(shift / _LIMIT, 1.0), -1.0) * (_ROW / 2 - 2)
            color = QColor(theme.more if shift > 0 else theme.less)
            if token.index < self._common:
                color = blend(color.name(), theme.surface, 0.6)
            x = self._x_of(token.index)
            bar = QRectF(x, middle - height, self._step - gap, height).normalized()
            painter.fillRect(bar, color)
            if token.attribution.flipped:
                line = QRectF(x, row * (_ROW + _GAP) + _ROW - 2, self._step - gap, 2)
                shared = token.index < self._common
                painter.fillRect(line, QColor(theme.muted if shared else theme.text))

    # Events

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 — Qt's name
        index = self.token_at(event.position().x())
        if index is not None:
            self.token_chosen.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        at = self._common if self._chosen is None else self._chosen
        target = {
            Qt.Key.Key_Right: at + (self._chosen is not None),
            Qt.Key.Key_Left: at - 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: self._count - 1,
        }.get(Qt.Key(event.key()))
        if target is None:
            super().keyPressEvent(event)
        elif 0 <= target < self._count:
            self.token_chosen.emit(target)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self.token_at(event.pos().x())
            if index is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), plain_tip(self.describe(index)), self)
            return True
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().event(event)
