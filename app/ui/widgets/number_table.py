"""Table view of numbers, with bars under the numbers and rows that can be copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QAction,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from app.ui.theme import SPACE
from app.ui.view_keys import ViewKey
from app.ui.widgets.bar_delegate import BarDelegate, two_line_height
from app.ui.widgets.table_text import as_markdown, as_text

KEY_ROLE = Qt.ItemDataRole.UserRole + 16
"""Key that identifies a row independently of the order."""

_LEAST_LETTERS, _MOST_LETTERS = 7, 12
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_SELECT = QItemSelectionModel.SelectionFlag


class NumberTable(QTableView):
    """Table of whole rows; Ctrl+C and the context menu copy, Enter or a double click chooses.

    Args:
        model: The model.
        name: Accessible name.
        two_lines: Whether cells have a second line.
        fits: Whether the table is as high as its rows, for a panel that scrolls.
        wide: The column that takes the remaining width, with a minimum.
    """

    chosen = Signal(QModelIndex)
    """Enter was pressed on a row, or the row was double-clicked."""
    moved = Signal(QModelIndex)
    """The current row changed by mouse or key."""

    def __init__(
        self,
        model: QAbstractItemModel,
        name: str,
        *,
        two_lines: bool = False,
        fits: bool = False,
        wide: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._two_lines = two_lines
        self._fits = fits
        self._wide = wide
        self._restoring = False
        self.setModel(model)
        self.setAccessibleName(name)
        self.setItemDelegate(BarDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setMinimumSectionSize(2 * SPACE)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        ViewKey.COPY_ROWS.action(self, lambda: self._copy(as_text))
        markdown = QAction(self.tr("Copy as Markdown table"), self)
        markdown.triggered.connect(lambda: self._copy(as_markdown))
        self.addAction(markdown)
        self.doubleClicked.connect(self.chosen)
        model.modelReset.connect(self._fit)
        if fits:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            header.geometriesChanged.connect(self._fit)
        self._fit()

    def chosen_rows(self) -> list[int]:
        """The selected rows, from top to bottom."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def go_to(self, row: int, column: int = 0) -> None:
        """Select one row without emitting ``moved``."""
        index = self.model().index(row, column)
        with self._quietly():
            self.selectionModel().setCurrentIndex(index, _SELECT.ClearAndSelect | _SELECT.Rows)

    @contextmanager
    def kept(self, row_of: Callable[[Any], int | None]) -> Iterator[None]:
        """Keep selection and scroll position while the model is reset.

        The selected rows stay selected. The current row, or else the topmost visible one, keeps
        its position in the view; a view scrolled to the top stays at the top.

        Args:
            row_of: Returns the row of a ``KEY_ROLE`` key after the reset, or None.
        """
        rows = self.chosen_rows()
        keys = [self.model().index(row, 0).data(KEY_ROLE) for row in rows]
        current = self.currentIndex()
        current_key = current.data(KEY_ROLE) if current.isValid() else None
        top, sideways = self.rowAt(0), self.horizontalScrollBar().value()
        watched = current.row() in rows and self._in_view(current)
        anchor = current.row() if watched else top
        anchor_key = self.model().index(anchor, 0).data(KEY_ROLE) if anchor >= 0 else None
        yield
        with self._quietly():
            self._select(row_of(key) for key in keys)
            place = None if current_key is None else row_of(current_key)
            if place is not None:
                index = self.model().index(place, current.column())
                self.selectionModel().setCurrentIndex(index, _SELECT.NoUpdate)
            now = None if anchor_key is None else row_of(anchor_key)
            stays_at_top = top <= 0 and not watched
            beyond = 0 if stays_at_top or now is None else now - (anchor - top)
            self.verticalScrollBar().setValue(beyond)
            self.horizontalScrollBar().setValue(sideways)

    def _in_view(self, index: QModelIndex | QPersistentModelIndex) -> bool:
        return self.viewport().rect().intersects(self.visualRect(index))

    def _select(self, rows: Iterator[int | None]) -> None:
        chosen = QItemSelection()
        for row in rows:
            if row is not None:
                index = self.model().index(row, 0)
                chosen.select(index, index)
        self.selectionModel().select(chosen, _SELECT.ClearAndSelect | _SELECT.Rows)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        before, self._restoring = self._restoring, True
        try:
            yield
        finally:
            self._restoring = before

    def _copy(self, write: Callable[[QAbstractItemModel, list[int]], str]) -> None:
        rows = self.chosen_rows()
        if rows:
            QGuiApplication.clipboard().setText(write(self.model(), rows))

    def _widen(self) -> None:
        """Give the remaining width to the ``wide`` column."""
        if self._wide is None or self._wide >= self.model().columnCount():
            return
        header = self.horizontalHeader()
        others = header.length() - header.sectionSize(self._wide)
        letter = self.fontMetrics().horizontalAdvance("m")
        least = _LEAST_LETTERS * letter
        if self._fits:  # only with few rows: size hints of all rows of a long table are slow
            heading = header.sectionSizeHint(self._wide)
            said = max(self.sizeHintForColumn(self._wide), heading)
            least = min(said, _MOST_LETTERS * letter)
        header.resizeSection(self._wide, max(self.viewport().width() - others, least))

    def _fit(self) -> None:
        self._widen()
        line = self.fontMetrics().height() + SPACE + 2  # includes the bar
        height = two_line_height(self.font()) if self._two_lines else line
        self.verticalHeader().setDefaultSectionSize(height)
        if self._fits:
            header = self.horizontalHeader()
            rows = self.model().rowCount() * height
            sideways = header.length() > self.viewport().width()
            bar = self.horizontalScrollBar().sizeHint().height() if sideways else 0
            self.setFixedHeight(header.sizeHint().height() + rows + bar + 2)

    # Events

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 — Qt's name
        super().focusInEvent(event)
        keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if event.reason() in keys and self.model().rowCount() and not self.chosen_rows():
            self.go_to(max(self.currentIndex().row(), 0))  # makes the keyboard focus visible

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        current, sideways = self.currentIndex(), self.horizontalScrollBar().value()
        before = QRect(QPoint(), event.oldSize())
        was_in_view = current.isValid() and before.intersects(self.visualRect(current))
        super().resizeEvent(event)
        self._fit()
        if was_in_view:  # a panel that changes below the table must not hide the row
            self.scrollTo(current)
            self.horizontalScrollBar().setValue(sideways)

    def currentChanged(  # noqa: N802 — Qt's name
        self,
        current: QModelIndex | QPersistentModelIndex,
        previous: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().currentChanged(current, previous)
        if not self._restoring and current.isValid() and current.row() != previous.row():
            self.moved.emit(self.currentIndex())

    def event(self, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent):
            copies = event.matches(QKeySequence.StandardKey.Copy)
            if copies or (_chooses(event) and self.currentIndex().isValid()):
                event.accept()  # takes precedence over shortcuts of the window
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 — Qt's name
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy(as_text)
        elif _chooses(event) and self.currentIndex().isValid():
            self.chosen.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self.model() is not None:
            self._fit()


def _chooses(event: QKeyEvent) -> bool:
    return event.key() in _ENTER and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
