"""Strip below the plot with the α that each token was sampled with, where it is not constant."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.attribution.row_statistics import Floats
from app.ui.drawing_pace import PLOTS
from app.ui.plot.columns import column_size
from app.ui.plot.line_style import LineStyle
from app.ui.plot.token_line import TokenLine
from app.ui.plot.token_view import TokenView
from app.ui.plot.value_axis import WIDTH
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import current_theme
from app.ui.widgets.plot_pens import plot_pen
from app.ui.widgets.redraw_pace import RedrawPace

_HEIGHT = 58
_MARGIN = 0.08
"""Fraction of the range that stays free above and below the lines."""
_STYLE = LineStyle("muted", Qt.PenStyle.SolidLine)


class AlphaStrip(QWidget):
    """A line for the α of each pair over the tokens of the shown run; hidden while all are equal.

    Args:
        view: The drawing area of the plot, whose tokens it follows.
    """

    def __init__(self, session: Session, view: TokenView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._run: Run | None = None
        self._alphas: Floats = np.zeros((0, 0))
        self._plot = pg.PlotWidget()
        self.lines: list[TokenLine] = []
        """The line of each pair."""
        self._varies = False
        self._has_room = True
        self._size = 1
        """Number of tokens that are drawn together."""
        self._pace = RedrawPace(PLOTS, self)
        self._pace.due.connect(self._append)
        self._set_up(view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setAccessibleName(self.tr("α of each token"))
        self.hide()
        session.runs.run_changed.connect(self._on_run)
        session.runs.tokens_added.connect(self._pace.tokens_came)
        self._on_run()

    def _set_up(self, view: TokenView) -> None:
        item = self._plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.showAxis("bottom", False)
        item.getAxis("left").setWidth(WIDTH)
        item.getAxis("left").setStyle(tickLength=-4)
        item.getAxis("left").enableAutoSIPrefix(False)
        item.getViewBox().setMouseEnabled(x=False, y=False)
        item.getViewBox().setXLink(view)
        view.sigXRangeChanged.connect(lambda: self._on_zoom(view))
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setFixedHeight(_HEIGHT)

    def _on_run(self) -> None:
        run = self._session.runs.current
        if run is not self._run or (run and len(run.tokens) < len(self._alphas)):
            self._run = run
            self._pace.begin()
            self._alphas = np.zeros((0, len(run.pair_names) if run else 0))
            self._make_lines(self._alphas.shape[1])
        self._append()

    def _append(self) -> None:
        """Add the tokens that came."""
        self._pace.drawn()
        run = self._run
        if run is not None and run.pair_names and len(run.tokens) > len(self._alphas):
            new = [token.alphas for token in run.tokens[len(self._alphas) :]]
            self._alphas = np.concatenate([self._alphas, np.array(new, np.float64)])
        self._draw()

    def _draw(self) -> None:
        varies = bool(len(self._alphas)) and bool((self._alphas != self._alphas[0]).any())
        if varies:
            low, high = float(self._alphas.min()), float(self._alphas.max())
            room = (high - low) * _MARGIN
            self._plot.getPlotItem().getViewBox().setYRange(low - room, high + room, padding=0)
            for line, values in zip(self.lines, self._alphas.T, strict=True):
                line.set_values(values)
        self._varies = varies
        self._update_shown()

    def set_has_room(self, has_room: bool) -> None:
        """Hide the strip where there is no room for it."""
        self._has_room = has_room
        self._update_shown()

    def _update_shown(self) -> None:
        self.setVisible(self._varies and self._has_room)

    def _make_lines(self, pairs: int) -> None:
        item = self._plot.getPlotItem()
        for line in self.lines:
            item.removeItem(line)
        self.lines = [TokenLine() for _ in range(pairs)]
        for line in self.lines:
            line.set_size(self._size)
            item.addItem(line)
        self._apply_theme()

    def _on_zoom(self, view: TokenView) -> None:
        self._size = column_size(view.viewPixelSize()[0])
        for line in self.lines:
            line.set_size(self._size)

    def _apply_theme(self) -> None:
        theme = current_theme()
        axis = self._plot.getPlotItem().getAxis("left")
        axis.setPen(plot_pen(theme.border))
        axis.setTextPen(pg.mkPen(theme.muted))
        axis.setLabel("α", color=theme.muted)
        self._plot.setBackground(theme.surface)
        for pair, line in enumerate(self.lines):
            line.set_style(_STYLE, theme)
            line.pen = plot_pen(theme.pair_color(pair), 1.5)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
