"""Draws a recipe of a list: its name, and below it a caption in a smaller font."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui.theme import SMALL, SPACE, current_theme

CAPTION_ROLE = Qt.ItemDataRole.UserRole + 1
"""Item role of the caption, the second line of an item."""
HEADING_ROLE = Qt.ItemDataRole.UserRole + 2
"""Item role that is true for a heading of a group."""

_Index = QModelIndex | QPersistentModelIndex


class RecipeDelegate(QStyledItemDelegate):
    """Draws two lines for a recipe and one line for a heading."""

    def sizeHint(  # noqa: N802 — Qt's name
        self, option: QStyleOptionViewItem, index: _Index
    ) -> QSize:
        height = QFontMetrics(option.font).height() + SPACE
        if index.data(CAPTION_ROLE):
            height += QFontMetrics(_small(option.font)).height()
        return QSize(0, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        theme = current_theme()
        painter.save()
        chosen = option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver)
        if index.data(HEADING_ROLE):
            painter.setPen(QColor(theme.muted))
            painter.setFont(_small(option.font))
        else:
            if chosen:
                painter.fillRect(option.rect, QColor(theme.selection))
            painter.setPen(QColor(theme.text))
            painter.setFont(option.font)
        place = option.rect.adjusted(SPACE, SPACE // 2, -SPACE, -SPACE // 2)
        caption = index.data(CAPTION_ROLE) or ""
        align = Qt.AlignmentFlag.AlignTop if caption else Qt.AlignmentFlag.AlignVCenter
        title = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        shown = painter.fontMetrics().elidedText(title, option.textElideMode, place.width())
        painter.drawText(place, align, shown)
        if caption:
            painter.setFont(_small(option.font))
            painter.setPen(QColor(theme.muted))
            right = Qt.TextElideMode.ElideRight
            text = painter.fontMetrics().elidedText(caption, right, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignBottom, text)
        painter.restore()


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * SMALL)
    return small
