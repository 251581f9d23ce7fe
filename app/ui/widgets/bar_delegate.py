"""Delegate that paints cells of number tables: a bar under the number, and a second line."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui.theme import SMALL, SPACE, blend, current_theme

SORT_ROLE = Qt.ItemDataRole.UserRole
"""The value that a cell is sorted by."""
BAR_ROLE = Qt.ItemDataRole.UserRole + 1
"""A :class:`Bar` to draw at the foot of the cell, or None."""
DETAIL_ROLE = Qt.ItemDataRole.UserRole + 2
"""A second line for the cell, or None."""
DETAIL_COLOR_ROLE = Qt.ItemDataRole.UserRole + 3
"""The colour of a mark in front of the second line, or None."""
UNDERLINE_ROLE = Qt.ItemDataRole.UserRole + 4
"""Whether to underline the cell, as the transcript does for flips."""

_PALE = 0.25
"""Share of the background in the colour of a bar: bars are pale so that numbers stay readable."""
_INSET = 3
_THICK = 4
_MARK = 9

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar under a number, or in the second line if the table has one.

    Attributes:
        length: Relative to the cell: 0 to 1, or −1 to 1 if ``signed``.
        signed: Whether the bar starts in the middle and extends to either side.
    """

    length: float
    color: QColor
    signed: bool = False


class BarDelegate(QStyledItemDelegate):
    """Item delegate for whole rows that paints the bars and details of this module's roles."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:  # noqa: N802
        super().initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus  # no focus frame around a single cell
        option.decorationSize = QSize(_MARK, _MARK)
        if index.data(UNDERLINE_ROLE):
            font = QFont(option.font)
            font.setUnderline(True)
            option.font = font

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        bar, detail = index.data(BAR_ROLE), index.data(DETAIL_ROLE)
        if bar is None and detail is None:
            super().paint(painter, option, index)
            return
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        text, shown.text = shown.text, ""
        style = shown.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, shown, painter, shown.widget)
        painter.save()
        first, foot = QRect(shown.rect), QRect(shown.rect)
        foot.setTop(foot.bottom() - _THICK - 1)
        if detail is not None:
            second = _detail_font(shown.font)
            middle = _middle(shown.rect, QFontMetrics(shown.font), QFontMetrics(second))
            first.setBottom(middle - 1)
            below = QRect(shown.rect)
            below.setTop(middle)
            self._paint_detail(painter, shown, below, detail, index)
            foot = below.adjusted(0, _INSET, 0, -2 * _INSET)
        if isinstance(bar, Bar):
            _paint_bar(painter, foot, bar, selected=_selected(shown))
        painter.setFont(shown.font)
        painter.setPen(shown.palette.color(QPalette.ColorRole.Text))
        place = QFontMetrics(shown.font)
        width = first.width() - 2 * (_INSET + 1)
        painter.drawText(
            first.adjusted(_INSET + 1, 0, -_INSET - 1, 0),
            shown.displayAlignment,
            place.elidedText(text, Qt.TextElideMode.ElideRight, width),
        )
        painter.restore()

    def _paint_detail(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        area: QRect,
        detail: str,
        index: _Index,
    ) -> None:
        area = area.adjusted(_INSET + 1, 0, -_INSET - 1, 0)
        font = _detail_font(option.font)
        metrics = QFontMetrics(font)
        mark = index.data(DETAIL_COLOR_ROLE)
        if mark is not None:
            size = metrics.ascent() // 2 + 2
            top = area.top() + (area.height() - size) // 2 - 1
            painter.fillRect(area.left(), top, size, size, mark)
            area.setLeft(area.left() + size + SPACE // 2)
        painter.setFont(font)
        painter.setPen(QColor(current_theme().muted))
        painter.drawText(
            area,
            Qt.AlignmentFlag.AlignTop | (option.displayAlignment & Qt.AlignmentFlag.AlignRight),
            metrics.elidedText(detail, Qt.TextElideMode.ElideRight, area.width()),
        )

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802
        size = super().sizeHint(option, index)
        detail = index.data(DETAIL_ROLE)
        if index.data(BAR_ROLE) is not None:
            size.setWidth(size.width() + SPACE)
        if detail is not None:
            metrics = QFontMetrics(_detail_font(option.font))
            width = metrics.horizontalAdvance(detail) + 3 * SPACE
            size = QSize(max(size.width(), width), size.height() + metrics.height())
        return size


def two_line_height(font: QFont) -> int:
    """The height of a row whose cells have a second line."""
    heights = QFontMetrics(font).height() + QFontMetrics(_detail_font(font)).height()
    return heights + SPACE


def _detail_font(font: QFont) -> QFont:
    small = QFont(font)
    small.setUnderline(False)
    small.setPointSizeF(font.pointSizeF() * SMALL)
    return small


def _middle(rect: QRect, first: QFontMetrics, second: QFontMetrics) -> int:
    """Top of the second line, with both lines centred together."""
    return rect.top() + (rect.height() + first.height() - second.height()) // 2


def _selected(option: QStyleOptionViewItem) -> bool:
    return bool(option.state & QStyle.StateFlag.State_Selected)


def _paint_bar(painter: QPainter, rect: QRect, bar: Bar, *, selected: bool) -> None:
    theme = current_theme()
    area = rect.adjusted(_INSET + 1, 0, -_INSET - 1, -1)
    below = theme.selection if selected else theme.surface
    color = blend(bar.color.name(), below, _PALE)
    length = min(max(bar.length, -1.0), 1.0)
    if not bar.signed:
        painter.fillRect(
            area.left(), area.top(), round(area.width() * length), area.height(), color
        )
        return
    middle, half = area.left() + area.width() // 2, area.width() // 2
    width = round(half * length)
    left = middle + min(width, 0)
    painter.fillRect(left, area.top(), abs(width), area.height(), color)
    painter.fillRect(middle, area.top() - 1, 1, area.height() + 2, QColor(theme.muted))
