"""Legend of the plot: one toggle for each pair and each line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.ui.plot.line_style import LineStyle
from app.ui.state.display import Display
from app.ui.theme import SMALL, SPACE, Theme, blend, current_theme
from app.ui.widgets.flow_layout import FlowLayout

_MARK = 12
_SQUARE = 9
_ROOM = 9
_DIM = 0.4
"""How much of the background the name of a hidden part has."""
_LONGEST_NAME = 110
_SHORTER = 6
"""Number of pixels by which names are shortened until all fit."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A part of the plot that can be shown and hidden.

    Attributes:
        part: Key of the part in ``Display.hidden``.
        name: Name in the legend.
        about: Tool tip.
        pair: Index of the pair whose colour the bars have, or None.
        line: Style of the line, or None for bars.
    """

    part: str
    name: str
    about: str
    pair: int | None = None
    line: LineStyle | None = None


class LegendToggle(QAbstractButton):
    """Entry of the legend with its mark and name; hollow and dimmed while it is off."""

    def __init__(self, entry: LegendEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entry = entry
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.shorten(_LONGEST_NAME)
        self.setAccessibleName(entry.name)
        self.setAccessibleDescription(entry.about)
        self.setToolTip(self.tr("{0}\nClick to show or hide it.").format(entry.about))

    @property
    def part(self) -> str:
        """Key of the part that this entry shows or hides."""
        return self._entry.part

    def shorten(self, longest: int) -> None:
        """Show the name in at most ``longest`` pixels; below that of a letter, only the mark."""
        metrics = self.fontMetrics()
        text = metrics.elidedText(self._entry.name, Qt.TextElideMode.ElideRight, longest)
        self.setText(text if text.strip("…") else "")
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance(self.text())
        return QSize(_MARK + SPACE + width + 2, metrics.height() + _ROOM)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme = current_theme()
        painter = QPainter(self)
        self._paint_mark(painter)
        painter.setPen(self._text_color(theme))
        area = self.rect().adjusted(_MARK + SPACE // 2 + 2, 0, 0, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.end()

    def _text_color(self, theme: Theme) -> QColor:
        if self.underMouse():
            return QColor(theme.text)
        return QColor(theme.muted) if self.isChecked() else blend(theme.muted, theme.surface, _DIM)

    def _paint_mark(self, painter: QPainter) -> None:
        theme, middle = current_theme(), self.height() / 2
        line, pair = self._entry.line, self._entry.pair
        if line is not None:
            if self.isChecked():
                painter.setPen(line.pen(theme))
                painter.drawLine(2, round(middle), 2 + _MARK, round(middle))
            else:
                painter.setPen(QPen(self._text_color(theme), 1))
                painter.drawRect(QRectF(2.5, middle - 1.5, _MARK - 1, 3))
            return
        square = QRectF(3.5, middle - _SQUARE / 2, _SQUARE - 1, _SQUARE - 1)
        halves = [(square, theme.pair_color(pair))] if pair is not None else _halves(square, theme)
        for area, color in halves:
            painter.setPen(QPen(color, 1))
            painter.setBrush(color if self.isChecked() else Qt.BrushStyle.NoBrush)
            painter.drawRect(area)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


def _halves(square: QRectF, theme: Theme) -> list[tuple[QRectF, QColor]]:
    """Mark of bars with different colours above and below 0."""
    above = QRectF(square.left(), square.top(), square.width(), square.height() // 2)
    return [
        (above, QColor(theme.more)),
        (above.translated(0, square.height() // 2 + 1), QColor(theme.less)),
    ]


class PlotLegend(QWidget):
    """All entries, wrapped to several rows, or shortened to one, where they do not fit."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._display = display
        self._layout = FlowLayout(SPACE // 2, self)
        self._entries: Sequence[LegendEntry] = ()
        self.toggles: list[LegendToggle] = []
        self.setAccessibleName(self.tr("Legend of the plot"))
        display.plot_changed.connect(self._update)

    def show_entries(self, entries: Sequence[LegendEntry]) -> bool:
        """Show these entries; whether they are other ones than before."""
        others = entries != self._entries
        if others:
            self._entries = entries
            for toggle in self.toggles:
                self._layout.removeWidget(toggle)
                toggle.hide()
                toggle.deleteLater()
            self.toggles = [self._make(entry) for entry in entries]
        self._update()
        return others

    def rows_at(self, width: int) -> int:
        """Number of rows that the entries need at a width."""
        row = max((toggle.sizeHint().height() for toggle in self.toggles), default=0)
        return round(self._layout.heightForWidth(width) / row) if row else 0

    def shorten_to(self, width: int | None, least: int = 1) -> bool:
        """Shorten the names so that all entries fit into one row; None shows the full names.

        Args:
            width: Width of the row in pixels.
            least: Number of pixels to which names may be shortened.

        Returns:
            Whether all entries fit.
        """
        for longest in range(_LONGEST_NAME, least - 1, -_SHORTER):
            for toggle in self.toggles:
                toggle.shorten(longest)
            if width is None or self.rows_at(width) < 2:
                return True
        return False

    def _make(self, entry: LegendEntry) -> LegendToggle:
        toggle = LegendToggle(entry, self)
        toggle.toggled.connect(lambda on: self._display.show_part(entry.part, on))
        self._layout.addWidget(toggle)
        toggle.show()  # hidden ones have no place in a row
        return toggle

    def _update(self) -> None:
        for toggle in self.toggles:
            toggle.setChecked(toggle.part not in self._display.hidden)
