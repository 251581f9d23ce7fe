"""Draws the title of a run with the kind of the run below it, smaller and muted."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionViewItem, QTableView

from app.ui.history.run_table import KIND, TITLE
from app.ui.theme import current_theme
from app.ui.widgets.row_table import RowDelegate

_MARGIN = 5
_PADDING = 4
_SMALLER = 0.88


class TitleDelegate(RowDelegate):
    """Draws the title column in rows of two lines."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        title, shown.text = shown.text, ""
        style = shown.widget.style() if shown.widget else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, shown, painter, shown.widget)
        theme = current_theme()
        muted = QColor(theme.muted)
        own = index.data(Qt.ItemDataRole.ForegroundRole)
        color = own if isinstance(own, QColor) else QColor(theme.text)
        painter.save()
        place = shown.rect.adjusted(_MARGIN, _PADDING, -_MARGIN, -_PADDING)
        height = QFontMetrics(shown.font).height()
        upper = QRect(place.left(), place.top(), place.width(), height)
        lower = QRect(place.left(), place.top() + height, place.width(), place.height() - height)
        _write(painter, upper, shown.font, color, title)
        _write(painter, lower, _small(shown.font), muted, str(index.data(KIND)))
        painter.restore()


def show_two_lines(table: QTableView) -> None:
    """Make ``table`` draw titles in two lines, and make its rows high enough."""
    table.setItemDelegateForColumn(TITLE, TitleDelegate(table))
    table.ensurePolished()
    lines = (table.font(), _small(table.font()))
    height = sum(QFontMetrics(font).height() for font in lines)
    table.verticalHeader().setDefaultSectionSize(height + 2 * _PADDING)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    if font.pixelSize() > 0:
        small.setPixelSize(round(font.pixelSize() * _SMALLER))
    else:
        small.setPointSizeF(font.pointSizeF() * _SMALLER)
    return small


def _write(painter: QPainter, place: QRect, font: QFont, color: QColor, text: str) -> None:
    painter.setFont(font)
    painter.setPen(color)
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(place, side, shown)
