"""Plot of the shift: for every token, the contribution of each expert pair, or other measures."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QPoint, QRect
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QToolTip, QVBoxLayout, QWidget

from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import own_plots
from app.attribution.series import AttributionSeries
from app.ui.drawing_pace import PLOTS
from app.ui.plot.alpha_strip import AlphaStrip
from app.ui.plot.plot_foot import PlotFoot
from app.ui.plot.plot_head import PlotHead
from app.ui.plot.plot_legend import PlotLegend
from app.ui.plot.plot_menu import PlotMenu
from app.ui.plot.plot_pane import PlotPane
from app.ui.plot.plot_words import (
    describe_bar,
    describe_column,
    describe_selection,
    legend_entries,
    needs_pairs,
    token_text,
)
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import SPACE, current_theme
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring
from app.ui.widgets.plain_tip import plain_tip
from app.ui.widgets.redraw_pace import RedrawPace

_LOW, _LOW_FOR_TWO = 230, 300
"""Below this height in pixels, with one plot or two, the legend has one row and the readout one
line."""


class ShiftPlot(QWidget):
    """Signed stacked bars, one colour for each pair, with lines of the base and after tuning.

    Other measures can be chosen, and a second one is shown below the first, with the same tokens.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._run: Run | None = None
        self._series = AttributionSeries(0)
        self._following = True
        self._folded = False
        self._closed = False
        self._pointed = -1
        self._legend = PlotLegend(session.display)
        self._head = PlotHead(session.display, self._legend)
        self._foot = PlotFoot()
        self._readout = self._foot.readout
        self._foot.show_all.clicked.connect(self.show_all)
        self._foot.follow.clicked.connect(self.follow)
        self._menu = PlotMenu(session, self, self._legend, self.show_all)
        self.pane = PlotPane(session.selection)
        self.second = PlotPane(session.selection)
        self.second.hide()
        self._strip = AlphaStrip(session, self.pane.tokens)
        self._pace = RedrawPace(PLOTS, self)
        self._pace.due.connect(self._append)
        self._lay_out()
        self.setAccessibleName(self.tr("Shift of each token by expert pair"))
        for pane, other in ((self.pane, self.second), (self.second, self.pane)):
            pane.tokens.sigXRangeChanged.connect(partial(self._link, pane, other))
            pane.pointed.connect(self._on_pointed)
            pane.menu_wanted.connect(self._ask_menu)
            pane.all_wanted.connect(self.show_all)
            pane.moved.connect(self._on_moved)
        self._foot.selecting.toggled.connect(self._on_selecting)
        session.runs.run_changed.connect(self._on_run)
        session.runs.tokens_added.connect(self._pace.tokens_came)
        session.selection.changed.connect(self._on_selection)
        session.selection.range_changed.connect(self._on_range)
        session.display.plot_changed.connect(self._on_display)
        self._apply_theme()
        self._show_newest()
        self._on_run()

    @property
    def series(self) -> AttributionSeries:
        """The numbers of the shown run."""
        return self._series

    @property
    def legend(self) -> PlotLegend:
        """The legend, whose entries show and hide parts of the plot."""
        return self._legend

    @property
    def panes(self) -> list[PlotPane]:
        """The plots that are shown, from the top."""
        return [self.pane, self.second][: len(self._measures)]

    @property
    def _measures(self) -> tuple[PlotMeasure, ...]:
        """The measures of these plots."""
        chosen = self._session.display.plot_measures
        return chosen[:1] if self._folded else chosen

    def set_folded(self, folded: bool) -> None:
        """Hide the second plot where there is no room for it; its menu says so."""
        if folded != self._folded:
            self._folded = folded
            self._head.set_folded(folded)
            self._on_display()

    def set_closed(self, closed: bool) -> None:
        """Leave only the readout and added buttons where there is no room for a plot."""
        if closed != self._closed:
            self._closed = closed
            for part in (self._head, self.pane):
                part.setVisible(not closed)
            self._strip.set_has_room(not closed)
            self._update_buttons()
            self._update_readout()
            self._layout.activate()  # its least height is another one at once

    def add_button(self, button: QWidget) -> None:
        """Add a button beside the readout."""
        self._foot.add_button(button)

    def follow(self) -> None:
        """Show the newest tokens and keep following them."""
        self._following = True
        self._append()
        self._update_buttons()

    def show_all(self) -> None:
        """Show every token."""
        self._following = False
        self.pane.tokens.setXRange(-0.5, max(self._series.count, 1) - 0.5, padding=0.01)
        self._update_buttons()

    # Set-up

    def _lay_out(self) -> None:
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, 0, FOCUS_GAP, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self._head)
        layout.addWidget(self.pane, 1)
        layout.addWidget(self.second, 1)
        layout.addWidget(self._strip)
        layout.addWidget(self._foot)

    def _apply_theme(self) -> None:
        for pane in (self.pane, self.second):
            pane.set_theme(current_theme())
        self._on_display()

    # Content

    @property
    def _pairs(self) -> tuple[str, ...]:
        return self._run.pair_names if self._run else ()

    def _on_run(self) -> None:
        run = self._session.runs.current
        if run is not self._run:
            self._run = run
            self._pace.begin()
            self._series = AttributionSeries(len(self._pairs))
            self._following = True
            self._append()
            self._on_display()
            self._on_selection()
            self._on_range()
        if run and not run.active:
            self._append()
        self._update_buttons()

    def _append(self) -> None:
        if self._run is None or self._run is not self._session.runs.current:
            return
        first = self._series.count == 0
        self._pace.drawn()
        self._series = self._run.series
        for pane in self.panes:
            pane.tokens.limit_to(self._series.count, more_follow=self._run.active)
        self._draw()
        if not (self._following and self._show_newest()):
            self._fit_height()
        if first:
            self._update_buttons()

    def _on_display(self) -> None:
        """Apply the measures, the unit and the visible parts chosen in ``session.display``."""
        display = self._session.display
        active = self._run is not None and self._run.active
        hidden = display.hidden | own_plots(self._measures)
        for pane, measure in zip(self.panes, self._measures, strict=True):
            pane.choose(measure, display.plot_unit, hidden, len(self._pairs), current_theme())
            pane.tokens.limit_to(self._series.count, more_follow=active)
        self._show_second(len(self.panes) > 1)
        self._align()
        self._draw()
        self._fit_height()
        self._update_buttons()
        self._adapt_to_height()
        self._update_readout()

    def _show_second(self, shown: bool) -> None:
        """Show or hide the second plot, which has the same visible tokens as the first."""
        self.second.setVisible(shown)
        self.pane.share_height(shown or self._folded, below=self._folded)
        self.second.share_height(shown, below=True)
        if shown:
            self._link(self.pane, self.second)

    def _link(self, moved: PlotPane, other: PlotPane, *_: object) -> None:
        """Show the visible tokens of the plot that was moved in the other one."""
        if not self.second.isHidden():
            other.tokens.setXRange(*moved.tokens.viewRange()[0], padding=0)

    def _align(self) -> None:
        """Give all plots the same space at the right, where one may have an axis."""
        wide = any(pane.amounts.shown for pane in self.panes)
        for pane in self.panes:
            pane.leave_space(wide and not pane.amounts.shown)

    def _adapt_to_height(self) -> None:
        """In a low card or window, give the legend one row and shorten the readout."""
        low = self._folded or self.height() < (_LOW_FOR_TWO if len(self.panes) > 1 else _LOW)
        self._head.arrange(self.width() - 2 * FOCUS_GAP, low=low)
        self._readout.set_lines(1 if low else 2)
        for pane in self.panes:
            pane.token_axis.allow_across(not low)

    def _draw(self) -> None:
        display, run = self._session.display, self._run
        if run:
            remote = run.recipe.base.is_endpoint
            entries = legend_entries(self._pairs, self._series, self._measures, remote=remote)
            if self._legend.show_entries(entries):
                self._adapt_to_height()
        for pane in self.panes:
            pane.draw(self._series, self._pairs, display.hidden, current_theme())
            if run:
                pane.name_tokens(run, token_text)

    def _show_newest(self) -> bool:
        active = self._run is not None and self._run.active
        return self.pane.tokens.show_newest(self._series.count, more_follow=active)

    def _fit_height(self) -> None:
        for pane in self.panes:
            pane.fit_height()

    def _update_buttons(self) -> None:
        some = self._series.count > 0
        for pane in self.panes:
            pane.show_axes(some)
            pane.say(self._caption(pane))
        self._foot.offer(some=some and not self._closed, following=self._following)

    def _caption(self, pane: PlotPane) -> str:
        """What stands in a plot that has nothing to draw."""
        if self._series.count == 0:
            about = self.tr("Bars show contributions: above zero, a pair raised the token.")
            return about if pane is self.pane else ""
        measure = pane.data.measure
        return needs_pairs(measure) if measure.needs_pairs and not self._pairs else ""

    # Selection and pointer

    def _on_selection(self) -> None:
        selected = self._session.selection.token
        for pane in (self.pane, self.second):
            pane.marks.show_token(selected if self._run else None)
        if selected is not None and self._run is not None:
            (left, right), _ = self.pane.tokens.viewRange()
            if not left <= selected <= right:
                half = (right - left) / 2
                self._following = False
                self.pane.tokens.setXRange(selected - half, selected + half, padding=0)
                self._update_buttons()
        self._update_readout()

    def _on_range(self) -> None:
        for pane in (self.pane, self.second):
            pane.marks.show_range(self._session.selection.range)
        self._update_readout()

    def _on_selecting(self, on: bool) -> None:
        for pane in (self.pane, self.second):
            pane.tokens.selecting = on

    def _update_readout(self) -> None:
        """Describe the selection: the totals of the range, or else the numbers of the token."""
        run, selection = self._run, self._session.selection
        units = self._session.display.units
        lines = describe_selection(run, selection, self._series, units) if run else []
        nothing = self.tr("No room for the plot") if self._closed else ""
        self._readout.show_text(lines[0] if lines else nothing)
        self.setAccessibleDescription("\n".join(lines))

    def _ask_menu(self, place: QPoint, index: int) -> None:
        QToolTip.hideText()
        if index >= 0:
            self._session.selection.point_at(index)
        self._session.selection.menu_requested.emit(place, self._menu.current())

    def _on_pointed(self, index: int, place: QPoint) -> None:
        """Describe the token under the pointer in the readout, and at the pointer."""
        if index < 0 or self._run is None:
            self._update_readout()
        else:
            self._readout.show_text(describe_column(self._run, index, self._session.display.units))
        if index == self._pointed:
            return
        self._pointed = index
        if index < 0 or self._run is None:
            QToolTip.hideText()
        else:
            tip = plain_tip(describe_bar(self._run, index, self._session.display.plot_unit))
            QToolTip.showText(place, tip, self, QRect())

    def _on_moved(self) -> None:
        self._following = False
        self._update_buttons()

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 — Qt's name
        super().resizeEvent(event)
        self._adapt_to_height()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        for pane in self.panes:
            paint_focus_ring(self, pane)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
