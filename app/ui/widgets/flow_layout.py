"""Layout that wraps its widgets to as many right-aligned rows as they need."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Layout of widgets in right-aligned rows, wrapped like words of a text.

    Args:
        gap: Pixels between two widgets of a row.
    """

    def __init__(self, gap: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gap = gap
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:  # noqa: N802 — Qt's name
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # noqa: N802
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # noqa: N802
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:  # noqa: N802 — Qt's name
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:  # noqa: N802 — Qt's name
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 — Qt's name
        return sum(max(item.sizeHint().height() for item in row) for row in self._rows(width))

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        sizes = [item.sizeHint() for item in self._items]
        width = sum(size.width() + self._gap for size in sizes) - self._gap
        return QSize(max(width, 0), max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:  # noqa: N802 — Qt's name
        sizes = [item.minimumSize() for item in self._items]
        return QSize(
            max((size.width() for size in sizes), default=0),
            max((size.height() for size in sizes), default=0),
        )

    def setGeometry(self, area: QRect) -> None:  # noqa: N802 — Qt's name
        super().setGeometry(area)
        top = area.top()
        for row in self._rows(area.width()):
            sizes = [item.sizeHint() for item in row]
            width = sum(size.width() + self._gap for size in sizes) - self._gap
            left = area.left() + max(area.width() - width, 0)
            for item, size in zip(row, sizes, strict=True):
                item.setGeometry(QRect(QPoint(left, top), size))
                left += size.width() + self._gap
            top += max(size.height() for size in sizes)

    def _rows(self, width: int) -> list[list[QLayoutItem]]:
        rows: list[list[QLayoutItem]] = []
        left = 0
        for item in self._items:
            if item.isEmpty():
                continue
            needed = item.sizeHint().width()
            if rows and left + needed <= width:
                rows[-1].append(item)
            else:
                rows.append([item])
                left = 0
            left += needed + self._gap
        return rows
