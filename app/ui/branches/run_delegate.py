"""Delegate that paints a run in the tree: its title, and a smaller second line of details."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.ui.branches.run_tree import DETAIL_ROLE, SHOWN_ROLE
from app.ui.theme import SMALL, SPACE, current_theme

_BAR = 3

_Index = QModelIndex | QPersistentModelIndex


class RunDelegate(QStyledItemDelegate):
    """Item delegate of two lines; the shown run has a bar at the left and a bold title."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802
        height = QFontMetrics(option.font).height() + SPACE
        if index.data(DETAIL_ROLE) is not None:
            height += QFontMetrics(_small(option.font)).height()
        return QSize(0, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        theme, shown = current_theme(), bool(index.data(SHOWN_ROLE))
        detail = index.data(DETAIL_ROLE)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(theme.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, QColor(theme.hover))
        if shown:
            bar = QRect(option.rect.left(), option.rect.top(), _BAR, option.rect.height())
            painter.fillRect(bar, QColor(theme.accent))
        font = QFont(option.font) if detail is not None else _small(option.font)
        font.setBold(shown)
        painter.setFont(font)
        painter.setPen(QColor(theme.text if detail is not None else theme.muted))
        place = option.rect.adjusted(SPACE, SPACE // 2, -SPACE // 2, -SPACE // 2)
        top = Qt.AlignmentFlag.AlignTop if detail else Qt.AlignmentFlag.AlignVCenter
        title = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        painter.drawText(place, top, _fitting(title, painter, place.width()))
        if detail:
            painter.setFont(_small(option.font))
            painter.setPen(QColor(theme.muted))
            text = _fitting(str(detail), painter, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignBottom, text)
        painter.restore()

    def createEditor(  # noqa: N802 — Qt's name
        self, parent: QWidget, option: QStyleOptionViewItem, index: _Index
    ) -> QWidget:
        editor = QLineEdit(parent)
        editor.setPlaceholderText(str(index.data(Qt.ItemDataRole.DisplayRole) or ""))
        editor.setAccessibleName(self.tr("Name of the run"))
        return editor

    def updateEditorGeometry(  # noqa: N802 — Qt's name
        self, editor: QWidget, option: QStyleOptionViewItem, index: _Index
    ) -> None:
        editor.setGeometry(option.rect.adjusted(_BAR, 2, -2, -2))


def _fitting(text: str, painter: QPainter, width: int) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * SMALL)
    return small
