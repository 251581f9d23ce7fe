"""Plot of tokens × α, with a marker that clicks and keys move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QToolTip, QVBoxLayout, QWidget

from app.attribution.alpha_grid import HIGHEST, LOWEST, POINTS, alpha_axis
from app.attribution.row_statistics import Floats
from app.decoding.types import FloatArray
from app.ui.alpha_map.grid_values import GridMeasure
from app.ui.alpha_map.heat_item import HALF_STEP, HeatItem
from app.ui.plot.columns import column_size
from app.ui.plot.line_style import LineStyle
from app.ui.plot.selection_keys import move_by_key
from app.ui.plot.token_axis import TokenAxis
from app.ui.plot.token_line import TokenLine
from app.ui.plot.token_view import TokenView
from app.ui.state.runs.selection import Selection
from app.ui.theme import current_theme
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring
from app.ui.widgets.plain_tip import plain_tip
from app.ui.widgets.plot_pens import plot_pen

_AXIS = 54
_PAGE = 10
"""Values of α by which the page keys move."""
_STEPS = {
    Qt.Key.Key_Up: 1,
    Qt.Key.Key_Down: -1,
    Qt.Key.Key_PageUp: _PAGE,
    Qt.Key.Key_PageDown: -_PAGE,
}
_USED_LINE = LineStyle("text", Qt.PenStyle.DashLine)


class HeatMap(QWidget):
    """The map of a run: tokens from left to right, α from bottom to top.

    Args:
        selection: The selected token of the window, which the marker stands on.
        describe: Describes a token at an α of the axis, by their indices, for the tool tip.
    """

    marked = Signal()
    """The marker was moved to another α."""
    tried = Signal()
    """The user has chosen a cell by a click or by keys."""
    entered = Signal()
    """The Enter key was pressed."""

    def __init__(
        self,
        selection: Selection,
        describe: Callable[[int, int], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._selection = selection
        self._describe = describe
        self._alphas = alpha_axis()
        self._count = 0
        self._all_shown = True
        self.place: int | None = None
        """Index on the axis of α of the marker, or None."""
        self._view = TokenView()
        self.token_axis = TokenAxis()
        self._plot = pg.PlotWidget(viewBox=self._view, axisItems={"bottom": self.token_axis})
        self._cells = HeatItem(current_theme())
        self._used = TokenLine()
        self._token = pg.LinearRegionItem(movable=False)
        self._alpha = pg.InfiniteLine(angle=0)
        self._set_up_plot()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, FOCUS_GAP, FOCUS_GAP, FOCUS_GAP)
        layout.addWidget(self._plot)
        self.setFocusProxy(self._plot)
        self._apply_theme()
        self.show_marker()

    def _set_up_plot(self) -> None:
        item = self._plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.getAxis("bottom").setStyle(tickLength=0)
        item.getAxis("left").setStyle(tickLength=-4)
        item.getAxis("left").setWidth(_AXIS)
        item.getAxis("left").enableAutoSIPrefix(False)
        item.getAxis("left").setTicks(
            [[(at, f"{at}".replace("-", "−")) for at in range(int(LOWEST), int(HIGHEST) + 1)]]
        )
        self._view.setYRange(LOWEST - HALF_STEP, HIGHEST + HALF_STEP, padding=0)
        self._view.sigXRangeChanged.connect(self._on_zoom)
        self._view.sigRangeChangedManually.connect(self._on_view_moved)
        for mark in (self._token, self._alpha):
            mark.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        for child in (self._cells, self._used, self._token, self._alpha):
            item.addItem(child)
        self._token.setZValue(10)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.setMinimumHeight(120)
        self._plot.setAccessibleName(
            self.tr(
                "Tokens by α; the left and right arrow keys move to other tokens, up and down to "
                "other α"
            )
        )
        self._plot.scene().sigMouseClicked.connect(self._on_click)
        self._plot.scene().sigMouseMoved.connect(self._on_hover)
        self._plot.installEventFilter(self)

    def _apply_theme(self) -> None:
        theme = current_theme()
        item = self._plot.getPlotItem()
        self._plot.setBackground(theme.surface)
        for side in ("left", "bottom"):
            item.getAxis(side).setPen(plot_pen(theme.border))
            item.getAxis(side).setTextPen(pg.mkPen(theme.muted))
        self._cells.set_theme(theme)
        self._used.set_style(_USED_LINE, theme)
        self._token.setBrush(pg.mkBrush(None))
        for line in (*self._token.lines, self._alpha):
            line.setPen(plot_pen(theme.text, 1.5))

    # Content

    def show_values(self, measure: GridMeasure, values: FloatArray, highest: float) -> None:
        """Draw the values of a measure, [T, N]; ``highest`` has the strongest colour."""
        more = len(values) != self._count
        self._count = len(values)
        self._view.limit_to(self._count, more_follow=False)
        if more and self._all_shown:
            self.show_all()
        self._cells.show_values(measure, values, highest)

    def name_tokens(self, text: Callable[[int], str], owner: object) -> None:
        """Name the tokens at the axis by their texts; ``owner`` is the run that has them."""
        self.token_axis.set_texts(text, owner, self._count)

    def show_used(self, alphas: Floats, title: str) -> None:
        """Draw the α of the run at each token, [T], as a line; ``title`` names the axis."""
        inside = (alphas >= LOWEST - HALF_STEP) & (alphas <= HIGHEST + HALF_STEP)
        self._used.set_values(np.where(inside, alphas, np.nan))
        self._plot.getPlotItem().getAxis("left").setLabel(title, color=current_theme().muted)

    def show_all(self) -> None:
        """Show every token, and those that follow."""
        self._all_shown = True
        self._view.setXRange(-0.5, max(self._count, 1) - 0.5, padding=0.01)

    def show_marker(self) -> None:
        """Draw the marker at the selected token and the marked α, and show that token."""
        token = self._selection.token
        self._token.setVisible(token is not None)
        self._alpha.setVisible(self.place is not None)
        if self.place is not None:
            self._alpha.setPos(self._alphas[self.place])
        if token is None:
            return
        self._token.setRegion((token - 0.5, token + 0.5))
        (left, right), _ = self._view.viewRange()
        if not left <= token <= right:
            self._all_shown = False
            half = (right - left) / 2
            self._view.setXRange(token - half, token + half, padding=0)

    def describe_marker(self, text: str) -> None:
        """Describe the marker to screen readers."""
        self._plot.setAccessibleDescription(text)

    def _on_view_moved(self, *_: object) -> None:
        self._all_shown = False

    def _on_zoom(self) -> None:
        size = column_size(self._view.viewPixelSize()[0])
        self._cells.set_size(size)
        self._used.set_size(size)
        self.token_axis.fit()

    # User actions

    def mark(self, place: int) -> None:
        """Move the marker to another α, by its index on the axis."""
        place = min(max(place, 0), POINTS - 1)
        if place != self.place:
            self.place = place
            self.show_marker()
            self.marked.emit()

    def cell_at(self, scene_position: QPointF) -> tuple[int, int] | None:
        """The token and the index of the α under a point of the scene, or None."""
        if not self._view.sceneBoundingRect().contains(scene_position):
            return None
        at = self._view.mapSceneToView(scene_position)
        index = round(at.x())
        place = int(np.abs(self._alphas - at.y()).argmin())
        return (index, place) if 0 <= index < self._count else None

    def _on_click(self, event: Any) -> None:
        if event.double():
            self.show_all()
        elif event.button() == Qt.MouseButton.LeftButton:
            cell = self.cell_at(event.scenePos())
            if cell is not None:
                self._selection.select(cell[0])
                self.mark(cell[1])
                self.tried.emit()

    def _on_hover(self, scene_position: QPointF) -> None:
        cell = self.cell_at(scene_position)
        if cell is None:
            QToolTip.hideText()
            return
        place = self._plot.mapToGlobal(self._plot.mapFromScene(scene_position))
        QToolTip.showText(place, plain_tip(self._describe(*cell)), self._plot)

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._move_by_key(event)
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return False

    def _move_by_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key in _STEPS:
            self.mark((self.place or 0) + _STEPS[key])
            self.tried.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif key != Qt.Key.Key_Escape:  # which closes the dialog
            moved = move_by_key(self._selection, event, self._count - 1)
            if moved:
                self.tried.emit()
            return moved
        else:
            return False
        return True

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        paint_focus_ring(self, self._plot)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
