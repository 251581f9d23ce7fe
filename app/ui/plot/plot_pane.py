"""One plot with its axes: bars and lines of one measure, and what the mouse does there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel

from app.attribution.measures import BIT, Unit
from app.attribution.plot_data import PlotData
from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import BASE, COVERAGE, ENTROPY, KL, TUNED, pair_part
from app.attribution.row_statistics import Floats
from app.attribution.series import AttributionSeries
from app.ui.plot.bars import Bars, bar_colors
from app.ui.plot.bits_lines import AXIS, LEAST_AMOUNT, BitsLines
from app.ui.plot.columns import column_size
from app.ui.plot.coverage_line import CoverageLine
from app.ui.plot.line_style import BASE_LINE, TUNED_LINE
from app.ui.plot.measure_words import axis_title
from app.ui.plot.selection_keys import move_by_key
from app.ui.plot.selection_marks import SelectionMarks
from app.ui.plot.titled_axis import title_height
from app.ui.plot.token_axis import TokenAxis
from app.ui.plot.token_line import TokenLine
from app.ui.plot.token_view import TokenView
from app.ui.plot.value_axis import WIDTH, ValueAxis
from app.ui.state.runs.run import Run
from app.ui.state.runs.selection import Selection
from app.ui.theme import SPACE, Theme
from app.ui.widgets.plot_pens import plot_pen

_ABOVE = 1.08
"""Upper end of the axis at the right as a multiple of the highest value."""
_LEAST_HEIGHT, _LEAST_SHARED, _LEAST_BELOW = 90, 44, 62
"""Minimum heights in pixels of a plot alone, of one above another, and of the one below it."""


class PlotPane(pg.PlotWidget):  # type: ignore[misc]
    """Plot of one measure over the tokens of a run.

    Args:
        selection: Is moved by clicks, drags and keys.
    """

    pointed = Signal(int, QPoint)
    """The pointer is at a token, or −1 if at none; with its place on the screen."""
    menu_wanted = Signal(QPoint, int)
    """The menu of a token, or −1, is wanted at a place on the screen."""
    all_wanted = Signal()
    """Every token shall be visible."""
    moved = Signal()
    """The user has zoomed or panned."""

    def __init__(self, selection: Selection) -> None:
        self.tokens = TokenView()
        self.token_axis, self.value_axis = TokenAxis(), ValueAxis()
        axes = {"bottom": self.token_axis, "left": self.value_axis}
        super().__init__(viewBox=self.tokens, axisItems=axes)
        self._selection = selection
        self._fitted: tuple[float, ...] = ()
        self.data = PlotData(AttributionSeries(0))
        self.shares: Floats = np.zeros((0, 0))
        """The heights of the bars, [T, K]."""
        item = self.getPlotItem()
        self.bars = Bars()
        self.marks = SelectionMarks(item, selection)
        self.base, self.tuned = TokenLine(), TokenLine()
        self.coverage = CoverageLine(item)
        self.amounts = BitsLines(item)
        self.zero = pg.InfiniteLine(pos=0, angle=0)
        for child in (self.bars, self.zero, self.base, self.tuned):
            item.addItem(child)
        item.hideButtons()
        item.setMenuEnabled(False)
        self.tokens.setYRange(-1, 1, padding=0.02)
        self.setFrameShape(self.Shape.NoFrame)
        self.share_height(False)
        self.tokens.sigRangeChangedManually.connect(self.moved)
        self.tokens.sigXRangeChanged.connect(self._on_zoom)
        self.tokens.range_dragged.connect(self._on_range_dragged)
        self.scene().sigMouseClicked.connect(self._on_click)
        self.scene().sigMouseMoved.connect(self._on_hover)
        self.viewport().installEventFilter(self)
        self.installEventFilter(self)
        self.caption = QLabel()
        self._lay_out_caption()

    def _lay_out_caption(self) -> None:
        self.caption.setProperty("role", "caption")
        self.caption.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.caption.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.caption.setWordWrap(True)
        over = QHBoxLayout(self)
        over.setContentsMargins(WIDTH + SPACE, title_height(), SPACE, SPACE)
        over.addWidget(self.caption)

    def set_theme(self, theme: Theme) -> None:
        """Draw in these colours."""
        self.setBackground(theme.surface)
        for axis in (self.value_axis, self.token_axis):
            axis.setPen(plot_pen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        self.zero.setPen(plot_pen(theme.border))
        self.base.set_style(BASE_LINE, theme)
        self.tuned.set_style(TUNED_LINE, theme)
        for part in (self.amounts, self.coverage, self.marks):
            part.set_theme(theme)

    # Content

    def choose(
        self, measure: PlotMeasure, unit: Unit, hidden: Collection[str], pairs: int, theme: Theme
    ) -> None:
        """Choose what is drawn.

        Args:
            measure: The measure.
            unit: Bits or nats.
            hidden: Keys of the hidden parts.
            pairs: The number of pairs of the run; 0 for the answer of one role.
            theme: The colours.
        """
        self.data.measure, self.data.unit = measure, unit
        self.base.setVisible(measure.has_lines and BASE not in hidden and pairs > 0)
        self.tuned.setVisible(measure.has_lines and TUNED not in hidden)
        self.amounts.show(
            kl=measure.by_pair and pairs > 0 and KL not in hidden,
            entropy=measure.by_pair and ENTROPY not in hidden,
        )
        self.amounts.set_unit(unit, theme)
        self.value_axis.show_ranks(measure is PlotMeasure.RANK)
        self.value_axis.setLabel(axis_title(measure, unit), color=theme.muted)

    def draw(
        self,
        series: AttributionSeries,
        pairs: Sequence[str],
        hidden: Collection[str],
        theme: Theme,
    ) -> None:
        """Draw these numbers of a run with these pairs."""
        self.data.series = data = series
        by_pair = self.data.measure.by_pair
        self.base.set_values(self.data.base)
        self.tuned.set_values(self.data.tuned)
        if by_pair:
            one = BIT if self.data.unit is Unit.BITS else 1.0
            self.amounts.set_values(data.kl / one, data.entropy / one)
        self.coverage.show(by_pair and data.partial and COVERAGE not in hidden)
        if by_pair and data.partial:
            self.coverage.set_values(self.data.coverage, data.thin)
        shown = [place for place, name in enumerate(pairs) if pair_part(name) not in hidden]
        self.shares = self.data.bars(shown)
        colors = bar_colors(theme, shown, by_pair=by_pair)
        self.bars.set_shares(self.shares, colors[: self.shares.shape[1]])

    def name_tokens(self, run: Run, name: Callable[[Run, int], str]) -> None:
        """Name the drawn tokens at the axis."""
        self.token_axis.set_texts(partial(name, run), run, self.data.series.count)

    def leave_space(self, on: bool) -> None:
        """Leave the space of the axis at the right, which another plot has."""
        self.getPlotItem().layout.setContentsMargins(1, title_height(), AXIS if on else 1, 1)

    def share_height(self, on: bool, *, below: bool = False) -> None:
        """Let the plot become lower, because another one is shown above or below it, or not.

        Args:
            on: Whether another plot is shown.
            below: Whether this one is below it, and has the axis of tokens of both.
        """
        shared = _LEAST_BELOW if below else _LEAST_SHARED
        self.setMinimumHeight(shared if on else _LEAST_HEIGHT)
        self.getPlotItem().showAxis("bottom", below or not on)

    def show_axes(self, shown: bool) -> None:
        """Show the axes with their labels; an empty plot has none."""
        self.zero.setVisible(shown)
        for axis in (self.value_axis, self.token_axis):
            if axis.style["showValues"] != shown:  # setting it prepares the axis anew
                axis.setStyle(showValues=shown)
        self.value_axis.showLabel(shown)

    def say(self, text: str) -> None:
        """Say why there is nothing to draw; an empty text says nothing."""
        self.caption.setText(text)
        self.caption.setVisible(bool(text))

    def fit_height(self) -> None:
        """Fit the vertical range to the visible tokens."""
        first, last = self.tokens.visible(self.data.series.count)
        drawn = (self.base, self.tuned, self.coverage.line)
        parts = [line.values[first:last] for line in drawn if line.isVisible()]
        low, high = self.data.height(self.shares[first:last], parts)
        highest = self.amounts.highest(first, last) * _ABOVE
        fitted = low, high, highest, float(self.data.measure.has_unit)
        if self._fitted == fitted:
            return
        self._fitted = fitted
        if self.data.measure.has_unit:  # both axes have the same unit and the same range
            high = max(high, highest)
            self.amounts.fit(low, high)
        else:
            top = max(highest, LEAST_AMOUNT)
            self.amounts.fit(top * low / high, top)  # puts the 0 of both axes at the same height
        self.tokens.setYRange(low, high, padding=0)

    def _on_zoom(self) -> None:
        """Draw narrow tokens together, and fit the height and the axis."""
        size = column_size(self.tokens.viewPixelSize()[0])
        lines = (self.base, self.tuned, self.coverage.line, self.amounts.kl, self.amounts.entropy)
        for part in (*lines, self.bars):
            part.set_size(size)
        self.token_axis.fit()
        self.fit_height()

    # Mouse and keyboard

    def token_at(self, scene_position: QPointF) -> int:
        """The token whose column is under a point of the scene, or −1."""
        if not self.tokens.sceneBoundingRect().contains(scene_position):
            return -1
        index = round(self.tokens.mapSceneToView(scene_position).x())
        return index if 0 <= index < self.data.series.count else -1

    def _on_range_dragged(self, start: float, end: float) -> None:
        first, last = sorted((round(start), round(end)))
        self._selection.select_range((first, last + 1))

    def _on_click(self, event: Any) -> None:
        index = self.token_at(event.scenePos())
        if event.double():
            self.all_wanted.emit()
        elif event.button() == Qt.MouseButton.RightButton:
            self.menu_wanted.emit(event.screenPos().toPoint(), index)
        elif event.button() == Qt.MouseButton.LeftButton and index >= 0:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._selection.extend_to(index)
            else:
                self._selection.select_range(None)
                self._selection.select(index)

    def _on_hover(self, scene_position: QPointF) -> None:
        place = self.mapToGlobal(self.mapFromScene(scene_position))
        self.pointed.emit(self.token_at(scene_position), place)

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return move_by_key(self._selection, event, self.data.series.count - 1)
        if isinstance(event, QContextMenuEvent):  # a click has its own way: dragging zooms
            if event.reason() is not QContextMenuEvent.Reason.Mouse:
                self.menu_wanted.emit(self.mapToGlobal(self.rect().center()), -1)
            return True
        if event.type() == QEvent.Type.Leave:
            self.pointed.emit(-1, QPoint())
        elif event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.parentWidget().update()
        return False
