"""The plot: for every token, how much probability each expert pair gave or took."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.plot.plot_legend import PlotLegend
from app.ui.plot.shift_series import ShiftSeries
from app.ui.run import Run
from app.ui.session import Session
from app.ui.theme import SPACE, Theme, current_theme
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring
from app.ui.wording import probability, quoted, signed

_WINDOW = 100
"""Tokens that are visible while the plot follows the stream."""
_BAR_WIDTH = 0.8
_REDRAW_MS = 120
"""While tokens stream the plot is drawn so often: each time costs the decoding thread 4 ms."""
_MARGIN = 2
"""Tokens beyond the first and the last to which the plot can be moved."""


class ShiftPlot(QWidget):
    """Signed stacked bars, one colour for each pair, with base and tuned probability as lines."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._run: Run | None = None
        self._series = ShiftSeries(0)
        self._following = True
        self._legend = PlotLegend()
        self._readout = ElidedLabel()
        self._readout.setProperty("role", "caption")
        self._fit = QPushButton(self.tr("Show all"))
        self._fit.setProperty("role", "flat")
        self._fit.clicked.connect(self.show_all)
        self._follow = QPushButton(self.tr("Follow"))
        self._follow.setProperty("role", "flat")
        self._follow.clicked.connect(self.follow)
        self._plot = pg.PlotWidget()
        self._bars = _Bars()
        self._band = pg.LinearRegionItem(movable=False)
        self._base = _line()
        self._tuned = _line()
        self._empty = QLabel(self.tr("Bars come with the tokens: up where a pair helped a token."))
        self._redraw = QTimer(self, interval=_REDRAW_MS, singleShot=True)
        self._redraw.timeout.connect(self._append)
        self._set_up_plot()
        self._lay_out()
        self.setAccessibleName(self.tr("Probability shift of each token, by expert pair"))
        session.runs.run_changed.connect(self._on_run)
        session.runs.tokens_added.connect(self._on_tokens)
        session.selection.changed.connect(self._on_selection)
        self._apply_theme()
        self._show_newest()
        self._on_run()

    def follow(self) -> None:
        """Show the newest tokens and stay with them."""
        self._following = True
        self._append()
        self._show_newest()
        self._update_buttons()

    def show_all(self) -> None:
        """Show every token."""
        self._following = False
        self._view.setXRange(-0.5, max(self._series.count, 1) - 0.5, padding=0.01)
        self._update_buttons()

    # Set-up

    def _set_up_plot(self) -> None:
        item = self._plot.getPlotItem()
        self._view = item.getViewBox()
        item.hideButtons()
        item.setMenuEnabled(False)
        self._view.setMouseEnabled(x=True, y=False)
        self._view.setLimits(minXRange=8)
        self._view.setYRange(-1, 1, padding=0.02)
        self._view.sigRangeChangedManually.connect(self._on_person_moved)
        self._view.sigXRangeChanged.connect(self._fit_height)
        item.getAxis("bottom").setStyle(tickLength=0)
        item.getAxis("left").setStyle(tickLength=-4)
        item.getAxis("left").setWidth(36)
        self._zero = pg.InfiniteLine(pos=0, angle=0)
        for child in (self._band, self._bars, self._zero, self._base, self._tuned):
            item.addItem(child)
        self._band.setVisible(False)
        self._band.setZValue(-10)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.scene().sigMouseClicked.connect(self._on_click)
        self._plot.scene().sigMouseMoved.connect(self._on_hover)
        self._plot.viewport().installEventFilter(self)
        self._plot.installEventFilter(self)
        self._plot.setMinimumHeight(90)
        self._empty.setProperty("role", "caption")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        QHBoxLayout(self._plot).addWidget(self._empty)

    def _lay_out(self) -> None:
        title = QLabel(self.tr("Probability shift of each token, by expert pair"))
        title.setProperty("role", "caption")
        head = QHBoxLayout()
        head.setSpacing(SPACE)
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(self._legend)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE // 2)
        foot.addWidget(self._readout, 1)
        foot.addWidget(self._fit)
        foot.addWidget(self._follow)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, 0, FOCUS_GAP, 0)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(head)
        layout.addWidget(self._plot, 1)
        layout.addLayout(foot)

    def _apply_theme(self) -> None:
        theme = current_theme()
        self._plot.setBackground(theme.surface)
        item = self._plot.getPlotItem()
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        self._zero.setPen(pg.mkPen(theme.border))
        self._base.setPen(pg.mkPen(theme.muted, width=1, style=Qt.PenStyle.DashLine))
        self._tuned.setPen(pg.mkPen(theme.text, width=1))
        band = QColor(theme.accent)
        band.setAlphaF(0.22)
        self._band.setBrush(band)
        for line in self._band.lines:
            line.setPen(QPen(Qt.PenStyle.NoPen))
        self._bars.set_theme(theme)

    # Content

    def _on_run(self) -> None:
        run = self._session.runs.current
        if run is not self._run:
            self._run = run
            names = run.pair_names if run else ()
            self._series = ShiftSeries(len(names))
            self._legend.show_pairs(names)
            self._following = True
            self._append()
            self._on_selection()
        if run and not run.active:
            self._append()
        self._update_buttons()

    def _on_tokens(self) -> None:
        if self._series.count == 0:
            self._append()
        elif not self._redraw.isActive():
            self._redraw.start()

    def _append(self) -> None:
        if self._run is None or self._run is not self._session.runs.current:
            return
        self._series.extend(self._run.tokens[self._series.count :])
        positions = np.arange(self._series.count)
        self._base.setData(positions, self._series.p_base)
        self._tuned.setData(positions, self._series.p_tuned)
        self._bars.set_series(self._series)
        self._view.setLimits(xMin=-0.5 - _MARGIN, xMax=max(self._series.count, _WINDOW) + _MARGIN)
        if self._following:
            self._show_newest()
        self._fit_height()
        self._update_buttons()

    def _show_newest(self) -> None:
        right = max(self._series.count, _WINDOW // 2)
        self._view.setXRange(max(right - _WINDOW, 0) - 0.5, right - 0.5, padding=0.01)

    def _fit_height(self) -> None:
        """Fit the height to what is visible: probabilities above 0, and as far down as bars go."""
        first, last = self._visible()
        lowest = np.minimum(self._series.contributions[first:last], 0).sum(axis=1)
        bottom = min(float(lowest.min(initial=0.0)), -0.12)
        self._view.setYRange(bottom * 1.05, 1.08, padding=0)

    def _visible(self) -> tuple[int, int]:
        (left, right), _ = self._view.viewRange()
        return max(int(left), 0), max(min(int(right) + 2, self._series.count), 0)

    def _update_buttons(self) -> None:
        some = self._series.count > 0
        self._empty.setVisible(not some)
        self._plot.getPlotItem().getAxis("bottom").setStyle(showValues=some)
        self._fit.setVisible(some)
        self._follow.setVisible(some and not self._following)

    # Selection and pointer

    def _on_selection(self) -> None:
        selected = self._session.selection.token
        self._band.setVisible(selected is not None)
        if selected is None or self._run is None:
            self._readout.show_text("")
            return
        self._band.setRegion((selected - 0.5, selected + 0.5))
        (left, right), _ = self._view.viewRange()
        if not left <= selected <= right:
            half = (right - left) / 2
            self._following = False
            self._view.setXRange(selected - half, selected + half, padding=0)
            self._update_buttons()
        text = self._describe(self._run, selected)
        self._readout.show_text(text)
        self.setAccessibleDescription(text)

    def token_at(self, scene_position: QPointF) -> int | None:
        """The token whose column is under a point of the scene, or None."""
        if not self._view.sceneBoundingRect().contains(scene_position):
            return None
        index = round(self._view.mapSceneToView(scene_position).x())
        return index if 0 <= index < self._series.count else None

    def _on_click(self, event: Any) -> None:
        if event.double():
            self.show_all()
        elif event.button() == Qt.MouseButton.LeftButton:
            index = self.token_at(event.scenePos())
            if index is not None:
                self._session.selection.select(index)

    def _on_hover(self, scene_position: QPointF) -> None:
        index = self.token_at(scene_position)
        if index is None:
            index = self._session.selection.token
        text = self._describe(self._run, index) if self._run and index is not None else ""
        self._readout.show_text(text)

    def _on_person_moved(self, *_: object) -> None:
        self._following = False
        self._update_buttons()

    def _describe(self, run: Run, index: int) -> str:
        token = run.tokens[index]
        explained = token.attribution
        shares = ", ".join(
            f"{name} {signed(share)}"
            for name, share in zip(run.pair_names, explained.contributions, strict=True)
        )
        shown = quoted(token.text or run.label(token.token_id))
        return self.tr("{0} {1}: base {2} → tuned {3} ({4})").format(
            index + 1, shown, probability(explained.p_base), probability(explained.p_tuned), shares
        )

    # Events

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._move(event.key())
        if event.type() == QEvent.Type.Leave:
            self._on_hover(QPointF(-1, -1))
        elif event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return False

    def _move(self, key: int) -> bool:
        """Move the selection by a key; whether the key does that."""
        if key in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            self._session.selection.move(1 if key == Qt.Key.Key_Right else -1)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._session.selection.select(0 if key == Qt.Key.Key_Home else self._series.count - 1)
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


def _line() -> pg.PlotDataItem:
    """A line of which only the visible part is drawn, so that panning a long run stays smooth."""
    line = pg.PlotDataItem(connect="all")
    line.setClipToView(True)
    line.setDownsampling(auto=True, method="peak")
    return line


class _Bars(pg.GraphicsObject):  # type: ignore[misc]
    """Paints the bars that are visible, and no others: the cost does not grow with the run."""

    def __init__(self) -> None:
        super().__init__()
        self._series = ShiftSeries(0)
        self._theme = current_theme()

    def set_series(self, series: ShiftSeries) -> None:
        self.prepareGeometryChange()
        self._series = series
        self.informViewBoundsChanged()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 — Qt's name
        return QRectF(-1, -1, self._series.count + 1, 2)

    def paint(self, painter: QPainter, *_: object) -> None:
        view = self.viewRect()
        first = max(int(view.left()), 0)
        last = min(int(view.right()) + 2, self._series.count)
        if last <= first:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        lefts = np.arange(first, last) - _BAR_WIDTH / 2
        for pair, (bottoms, heights) in enumerate(self._series.bars(first, last)):
            painter.setBrush(self._theme.pair_color(pair))
            painter.drawRects(
                [
                    QRectF(left, bottom, _BAR_WIDTH, height).normalized()
                    for left, bottom, height in zip(lefts, bottoms, heights, strict=True)
                    if height
                ]
            )
