"""Plot of the shift: for every token, the contribution of each expert pair."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.attribution.measures import BIT
from app.attribution.series import AttributionSeries
from app.ui.plot.bars import Bars, bar_colors
from app.ui.plot.bits_lines import LEAST_BITS, BitsLines
from app.ui.plot.columns import column_size
from app.ui.plot.coverage_line import CoverageLine
from app.ui.plot.line_style import BASE_LINE, TUNED_LINE
from app.ui.plot.plot_data import PlotData
from app.ui.plot.plot_foot import PlotFoot
from app.ui.plot.plot_head import PlotHead
from app.ui.plot.plot_legend import PlotLegend
from app.ui.plot.plot_menu import PlotMenu
from app.ui.plot.plot_words import (
    describe_column,
    describe_selection,
    legend_entries,
)
from app.ui.plot.redraw_pace import RedrawPace
from app.ui.plot.scale_menu import ScaleMenu
from app.ui.plot.selection_keys import move_by_key
from app.ui.plot.selection_marks import SelectionMarks
from app.ui.plot.token_axis import TokenAxis
from app.ui.plot.token_line import TokenLine
from app.ui.plot.token_view import TokenView
from app.ui.state.display import BASE, COVERAGE, ENTROPY, KL, SHIFT, TUNED, pair_part
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.tint_menus import MenuButton
from app.ui.theme import SPACE, current_theme
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring
from app.ui.widgets.plot_pens import plot_pen

_ABOVE = 1.08
"""Upper end of the axis in bits as a multiple of the highest value."""
_LOW = 230
"""Below this height in pixels, the legend has one row and the readout one line."""
_AXIS = 54
"""Width of the axis at the left with its title in pixels."""
_SHIFT = Qt.KeyboardModifier.ShiftModifier


class ShiftPlot(QWidget):
    """Signed stacked bars, one colour for each pair, with base and tuned probability as lines."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._run: Run | None = None
        self._data = PlotData(AttributionSeries(0))
        self._following = True
        self._fitted: tuple[float, ...] = (0.0, 0.0, 0.0)
        self._legend = PlotLegend(session.display)
        self._scale = MenuButton(ScaleMenu(session.display, self), self.tr("Scale of the plot"))
        self._head = PlotHead(self._scale, self._legend)
        self._foot = PlotFoot()
        self._readout = self._foot.readout
        self._foot.show_all.clicked.connect(self.show_all)
        self._foot.follow.clicked.connect(self.follow)
        self._menu = PlotMenu(session, self, self._legend, self.show_all)
        self._view = TokenView()
        self._plot = pg.PlotWidget(viewBox=self._view, axisItems={"bottom": TokenAxis()})
        self._bars = Bars()
        self._marks = SelectionMarks(self._plot.getPlotItem())
        self._base, self._tuned = TokenLine(), TokenLine()
        self._coverage = CoverageLine(self._plot.getPlotItem())
        self._bits = BitsLines(self._plot.getPlotItem())
        self._empty = QLabel(
            self.tr("Bars show contributions: above zero, a pair raised the token.")
        )
        self._pace = RedrawPace(self)
        self._pace.due.connect(self._append)
        self._set_up_plot()
        self._lay_out()
        self.setAccessibleName(self.tr("Shift of each token by expert pair"))
        self._foot.selecting.toggled.connect(self._on_selecting)
        self._view.range_dragged.connect(self._on_range_dragged)
        session.runs.run_changed.connect(self._on_run)
        session.runs.tokens_added.connect(self._on_tokens)
        session.selection.changed.connect(self._on_selection)
        session.selection.range_changed.connect(self._on_range)
        session.display.plot_changed.connect(self._on_display)
        self._apply_theme()
        self._show_newest()
        self._on_run()

    @property
    def series(self) -> AttributionSeries:
        """The numbers of the shown run."""
        return self._data.series

    @property
    def legend(self) -> PlotLegend:
        """The legend, whose entries show and hide parts of the plot."""
        return self._legend

    def follow(self) -> None:
        """Show the newest tokens and keep following them."""
        self._following = True
        self._append()
        self._update_buttons()

    def show_all(self) -> None:
        """Show every token."""
        self._following = False
        self._view.setXRange(-0.5, max(self.series.count, 1) - 0.5, padding=0.01)
        self._update_buttons()

    # Set-up

    def _set_up_plot(self) -> None:
        item = self._plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        self._view.setYRange(-1, 1, padding=0.02)
        self._view.sigRangeChangedManually.connect(self._on_view_moved)
        self._view.sigXRangeChanged.connect(self._on_zoom)
        item.getAxis("left").enableAutoSIPrefix(False)
        item.getAxis("bottom").setStyle(tickLength=0)
        item.getAxis("left").setStyle(tickLength=-4)
        item.getAxis("left").setWidth(_AXIS)
        self._zero = pg.InfiniteLine(pos=0, angle=0)
        for child in (self._bars, self._zero, self._base, self._tuned):
            item.addItem(child)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.scene().sigMouseClicked.connect(self._on_click)
        self._plot.scene().sigMouseMoved.connect(self._on_hover)
        self._plot.viewport().installEventFilter(self)
        self._plot.installEventFilter(self)
        self._plot.setMinimumHeight(90)
        self._empty.setProperty("role", "caption")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._empty.setWordWrap(True)
        over = QHBoxLayout(self._plot)
        over.setContentsMargins(_AXIS + SPACE, 0, SPACE, _AXIS)
        over.addWidget(self._empty)

    def _lay_out(self) -> None:
        self._scale.setFont(self._legend.font())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, 0, FOCUS_GAP, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._head)
        layout.addWidget(self._plot, 1)
        layout.addWidget(self._foot)

    def _apply_theme(self) -> None:
        theme = current_theme()
        self._plot.setBackground(theme.surface)
        item = self._plot.getPlotItem()
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(plot_pen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        self._zero.setPen(plot_pen(theme.border))
        self._name_axis()
        self._base.set_style(BASE_LINE, theme)
        self._tuned.set_style(TUNED_LINE, theme)
        for part in (self._bits, self._coverage, self._marks):
            part.set_theme(theme)
        self._draw()

    # Content

    def _on_run(self) -> None:
        run = self._session.runs.current
        if run is not self._run:
            self._run = run
            names = run.pair_names if run else ()
            self._data = PlotData(AttributionSeries(len(names)))
            self._following = True
            self._append()
            self._on_display()
            self._on_selection()
            self._on_range()
        if run and not run.active:
            self._append()
        self._update_buttons()

    def _on_tokens(self) -> None:
        if self.series.count == 0:
            self._append()
        else:
            self._pace.tokens_came()

    def _append(self) -> None:
        if self._run is None or self._run is not self._session.runs.current:
            return
        first = self.series.count == 0
        self._pace.drawn()
        self._data.series = self._run.series
        self._view.limit_to(self.series.count, more_follow=self._run.active)
        self._draw()
        if not (self._following and self._show_newest()):
            self._fit_height()
        if first:
            self._update_buttons()

    def _on_display(self) -> None:
        """Apply the scale and the visible parts chosen in ``session.display``."""
        display = self._session.display
        self._scale.show_choice(
            self.tr("Log-probability, in bits")
            if display.logarithmic
            else self.tr("Probability, by expert pair")
        )
        names = self._run.pair_names if self._run else ()
        self._data.logarithmic = display.logarithmic
        self._base.setVisible(BASE not in display.hidden and bool(names or not self._run))
        self._tuned.setVisible(TUNED not in display.hidden)
        self._bits.show(
            kl=KL not in display.hidden and bool(names), entropy=ENTROPY not in display.hidden
        )
        self._name_axis()
        self._draw()
        self._fit_height()
        self._adapt_to_height()

    def _name_axis(self) -> None:
        left = self.tr("bits") if self._session.display.logarithmic else self.tr("probability")
        self._plot.getPlotItem().getAxis("left").setLabel(left, color=current_theme().muted)

    def _adapt_to_height(self) -> None:
        """In a low card, give the legend one row and shorten the readout."""
        low = self.height() < _LOW
        self._head.arrange(self.width() - 2 * FOCUS_GAP, low=low)
        self._readout.set_lines(1 if low else 2)

    def _draw(self) -> None:
        data, series, theme = self._data, self.series, current_theme()
        self._base.set_values(data.base)
        self._tuned.set_values(data.tuned)
        self._bits.set_values(series.kl / BIT, series.entropy / BIT)
        hidden = self._session.display.hidden
        names = self._run.pair_names if self._run else ()
        if self._run:
            remote = self._run.recipe.base.is_endpoint
            entries = legend_entries(names, series, logarithmic=data.logarithmic, remote=remote)
            if self._legend.show_entries(entries):
                self._adapt_to_height()
        self._coverage.show(series.partial and COVERAGE not in hidden)
        if series.partial:
            self._coverage.set_values(data.coverage, series.thin)
        shown = [place for place, name in enumerate(names) if pair_part(name) not in hidden]
        self._shares = data.bars(shown, shift=bool(names) and SHIFT not in hidden)
        self._bars.set_shares(self._shares, bar_colors(theme, shown, data.logarithmic))

    def _show_newest(self) -> bool:
        active = self._run is not None and self._run.active
        return self._view.show_newest(self.series.count, more_follow=active)

    def _on_zoom(self) -> None:
        """Draw narrow tokens together, and fit the height."""
        size = column_size(self._view.viewPixelSize()[0])
        lines = (self._base, self._tuned, self._coverage.line, self._bits.kl, self._bits.entropy)
        for part in (*lines, self._bars):
            part.set_size(size)
        self._fit_height()

    def _fit_height(self) -> None:
        """Fit the vertical range to the visible tokens."""
        first, last = self._view.visible(self.series.count)
        drawn = (self._base, self._tuned, self._coverage.line)
        parts = [line.values[first:last] for line in drawn if line.isVisible()]
        low, high = self._data.height(self._shares[first:last], parts)
        highest = self._bits.highest(first, last) * _ABOVE
        fitted = low, high, highest, float(self._data.logarithmic)
        if self._fitted == fitted:
            return
        self._fitted = fitted
        if self._data.logarithmic:  # both axes are in bits and have the same range
            high = max(high, highest)
            self._bits.fit(low, high)
        else:
            top = max(highest, LEAST_BITS)
            self._bits.fit(top * low / high, top)  # puts the 0 of both axes at the same height
        self._view.setYRange(low, high, padding=0)

    def _update_buttons(self) -> None:
        some = self.series.count > 0
        self._empty.setVisible(not some)
        self._zero.setVisible(some)
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            if axis.style["showValues"] != some:  # setting it prepares the axis anew
                axis.setStyle(showValues=some)
        self._plot.getPlotItem().getAxis("left").showLabel(some)
        self._foot.offer(some=some, following=self._following)

    # Selection and pointer

    def _on_selection(self) -> None:
        selected = self._session.selection.token
        self._marks.show_token(selected if self._run else None)
        if selected is not None and self._run is not None:
            (left, right), _ = self._view.viewRange()
            if not left <= selected <= right:
                half = (right - left) / 2
                self._following = False
                self._view.setXRange(selected - half, selected + half, padding=0)
                self._update_buttons()
        self._update_readout()

    def _on_range(self) -> None:
        self._marks.show_range(self._session.selection.range)
        self._update_readout()

    def _on_selecting(self, on: bool) -> None:
        self._view.selecting = on

    def _on_range_dragged(self, start: float, end: float) -> None:
        first, last = sorted((round(start), round(end)))
        self._session.selection.select_range((first, last + 1))

    def _update_readout(self) -> None:
        """Describe the selection: the totals of the range, or else the numbers of the token."""
        run, selection = self._run, self._session.selection
        lines = describe_selection(run, selection, self.series) if run else []
        self._readout.show_text(lines[0] if lines else "")
        self.setAccessibleDescription("\n".join(lines))

    def token_at(self, scene_position: QPointF) -> int | None:
        """The token whose column is under a point of the scene, or None."""
        if not self._view.sceneBoundingRect().contains(scene_position):
            return None
        index = round(self._view.mapSceneToView(scene_position).x())
        return index if 0 <= index < self.series.count else None

    def _on_click(self, event: Any) -> None:
        if event.double():
            self.show_all()
        elif event.button() == Qt.MouseButton.LeftButton:
            index = self.token_at(event.scenePos())
            if index is not None:
                self._choose(index, stretch=bool(event.modifiers() & _SHIFT))
        elif event.button() == Qt.MouseButton.RightButton:
            self._ask_menu(event.screenPos().toPoint(), self.token_at(event.scenePos()))

    def _choose(self, index: int, *, stretch: bool) -> None:
        selection = self._session.selection
        if stretch:
            selection.extend_to(index)
        else:
            selection.select_range(None)
            selection.select(index)

    def _ask_menu(self, place: QPoint, index: int | None) -> None:
        if index is not None:
            self._session.selection.point_at(index)
        self._session.selection.menu_requested.emit(place, self._menu.current())

    def _on_hover(self, scene_position: QPointF) -> None:
        index = self.token_at(scene_position)
        if index is None or self._run is None:
            self._update_readout()
        else:
            self._readout.show_text(describe_column(self._run, index))

    def _on_view_moved(self, *_: object) -> None:
        self._following = False
        self._update_buttons()

    # Events

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return move_by_key(self._session.selection, event, self.series.count - 1)
        if isinstance(event, QContextMenuEvent):  # a click has its own way: dragging zooms
            if event.reason() is not QContextMenuEvent.Reason.Mouse:
                self._ask_menu(self._plot.mapToGlobal(self._plot.rect().center()), None)
            return True
        if event.type() == QEvent.Type.Leave:
            self._on_hover(QPointF(-1, -1))
        elif event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._adapt_to_height()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        paint_focus_ring(self, self._plot)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
