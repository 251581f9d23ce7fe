"""Draws a bar of probability behind a number."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.ui.inspector.candidate_model import SHARE_ROLE
from app.ui.theme import blend, current_theme

_INSET = 3


class CandidateDelegate(QStyledItemDelegate):
    """Like the default, with a bar where the model gives a share."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        share = index.data(SHARE_ROLE)
        super().paint(painter, option, index)
        if share is not None:
            theme = current_theme()
            area = option.rect.adjusted(_INSET, 0, -_INSET, -2)
            width = round(area.width() * share)
            painter.fillRect(
                area.left(), area.bottom() - 2, width, 3, blend(theme.text, theme.surface, 0.35)
            )
