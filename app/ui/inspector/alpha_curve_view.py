"""Curves of the probabilities at the selected token by α of one pair, without running a model."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.attribution.alpha_curve import (
    HIGHEST_ALPHA,
    LOWEST_ALPHA,
    AlphaCurve,
    alpha_curve,
    estimated_alpha_curve,
)
from app.attribution.explained_token import ExplainedToken
from app.ui.state.runs.run import Run
from app.ui.theme import SPACE, current_theme
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.plot_pens import plot_pen
from app.ui.widgets.reflow_row import ReflowRow
from app.wording import factor, probability, quoted

_CURVES = 3
"""Number of named curves: the generated token and the most probable others."""
_STEP = 0.05
_NEAR = 0.02
"""Distance to the run's α below which the marker counts as unmoved."""
_HEIGHT = 108
_LINES = 3
_BESIDE_LABELS = 12
_LOWEST_TOP = 0.02
"""Minimum of the upper end of the axis, so that small probabilities look small."""
_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


class AlphaCurveView(QWidget):
    """Plot of probabilities by α of one pair, with a marker to drag and a list of the flips."""

    alpha_tried = Signal(int, float)
    """The marker was moved: the pair and the α to show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: Run | None = None
        self._token: ExplainedToken | None = None
        self._curve: AlphaCurve | None = None
        self._pair = ChoiceBox()
        self._pair.setAccessibleName(self.tr("Pair whose α is on the axis"))
        self._pair.currentIndexChanged.connect(self._compute)
        self._title = QLabel()
        self._title.setProperty("role", "section")
        self._plot = pg.PlotWidget()
        self._lines = [pg.PlotDataItem() for _ in _STYLES]
        self._others = pg.PlotDataItem(connect="finite")
        self._flips = pg.ScatterPlotItem(size=7)
        self._run_alpha = pg.InfiniteLine(angle=90)
        self._marker = pg.InfiniteLine(
            angle=90, movable=True, bounds=(LOWEST_ALPHA, HIGHEST_ALPHA), label="α {value:.2f}"
        )
        self._marker.label.setPosition(0.9)
        self._marker.sigDragged.connect(self._on_moved)
        self._reset = QPushButton()
        self._reset.setProperty("role", "link")
        self._reset.clicked.connect(self._reset_marker)
        self._legend = QLabel()
        self._legend.setProperty("role", "caption")
        self._legend.setWordWrap(True)
        self._legend.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._legend.setTextFormat(Qt.TextFormat.PlainText)
        self._set_up_plot()
        self._lay_out()
        self._apply_theme()

    def show_token(self, run: Run, token: ExplainedToken) -> None:
        """Show another token; the chosen pair is kept if the run has the same pairs."""
        self._run, self._token = run, token
        names = list(run.pair_names)
        if [self._pair.itemText(i) for i in range(self._pair.count())] != names:
            with QSignalBlocker(self._pair):
                self._pair.clear()
                self._pair.addItems(names)
        self._pair.setVisible(len(names) > 1)
        many = len(names) > 1
        self._title.setText(self.tr("α of pair") if many else self.tr("α of {0}").format(names[0]))
        self._compute()

    # Set-up

    def _set_up_plot(self) -> None:
        item = self._plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        view = item.getViewBox()
        view.setMouseEnabled(x=False, y=False)
        view.setXRange(LOWEST_ALPHA, HIGHEST_ALPHA, padding=0.03)
        left = item.getAxis("left")  # pyqtgraph leaves out labels that are wider than the axis
        metrics = self._plot.fontMetrics()
        left.enableAutoSIPrefix(False)  # “×0.001” beside the title would be read as its unit
        left.setWidth(metrics.horizontalAdvance("0.000") + metrics.height() + _BESIDE_LABELS)
        item.getAxis("bottom").setTicks([[(i, f"{i}".replace("-", "−")) for i in range(-2, 5)]])
        for child in (self._others, *self._lines, self._flips, self._run_alpha, self._marker):
            item.addItem(child)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        item.setContentsMargins(0, metrics.height() // 2, 0, 0)  # for a label
        self._plot.setFixedHeight(_HEIGHT + metrics.height())
        self._plot.setAccessibleName(
            self.tr("Probability by α; the left and right arrow keys move the marker")
        )
        self._plot.installEventFilter(self)

    def _lay_out(self) -> None:
        head = ReflowRow()
        head.add(self._title)
        head.add(self._pair, 1)
        head.add(self._reset)
        kept = self._reset.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # the layout must not move during a drag
        self._reset.setSizePolicy(kept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, 0, FOCUS_GAP, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(head)
        layout.addWidget(self._plot)
        layout.addWidget(self._legend)

    def _apply_theme(self) -> None:
        theme = current_theme()
        for side, title in (("left", self.tr("probability")), ("bottom", "α")):
            self._plot.getPlotItem().getAxis(side).setLabel(title, color=theme.muted)
        pair = theme.pair_color(max(self._pair.currentIndex(), 0))
        self._plot.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            axis.setPen(plot_pen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        colors = (pair, QColor(theme.muted), QColor(theme.muted))
        for line, color, style in zip(self._lines, colors, _STYLES, strict=True):
            line.setPen(plot_pen(color, 1.5, style))
        self._others.setPen(plot_pen(theme.muted, 1, Qt.PenStyle.DashDotLine))
        self._flips.setBrush(pg.mkBrush(theme.text))
        self._flips.setPen(pg.mkPen(None))
        self._run_alpha.setPen(plot_pen(theme.border))
        self._marker.setPen(plot_pen(pair, 1.5))
        self._marker.setHoverPen(plot_pen(pair, 3))
        self._marker.label.setColor(pair)

    # Content

    def _compute(self) -> None:
        run, token, pair = self._run, self._token, self._pair.currentIndex()
        if run is None or token is None or pair < 0:
            return
        rows, candidates = run.rows.rows(token.index), run.candidates(token.index)
        others = [int(i) for i in candidates.token_ids if i != token.token_id]
        token_ids = [token.token_id, *others[: _CURVES - 1]]
        self._curve = (
            alpha_curve(rows, token.alphas, pair, token_ids)
            if rows
            else estimated_alpha_curve(candidates, pair, token_ids)
        )
        for line, values in zip(self._lines, self._curve.probabilities, strict=False):
            line.setData(self._curve.alphas, values)
        heights = self._show_flips(self._curve)
        named = float(self._curve.probabilities[:_CURVES].max())
        highest = max([named, _LOWEST_TOP, *heights])
        self._plot.getPlotItem().getViewBox().setYRange(0, highest * 1.1, padding=0.02)
        self._run_alpha.setPos(token.alphas[pair])
        back = self.tr("Back to α {0}").format(factor(token.alphas[pair]))
        self._reset.setText(back)
        self._marker.setPos(token.alphas[pair])
        self._apply_theme()
        self._describe()

    def _show_flips(self, curve: AlphaCurve) -> list[float]:
        """Draw the curves of all tokens that flips lead to, with a dot at each flip.

        Returns:
            The heights of the dots.
        """
        others = curve.probabilities[_CURVES:]
        gap = np.full((len(others), 1), np.nan)  # between the end of a curve and the next one
        self._others.setData(
            np.tile(np.append(curve.alphas, np.nan), len(others)), np.hstack([others, gap]).ravel()
        )
        rows = dict(zip(curve.token_ids, curve.probabilities, strict=True))
        places = [flip.alpha for flip in curve.flips]
        heights = [
            float(np.interp(flip.alpha, curve.alphas, rows[flip.after])) for flip in curve.flips
        ]
        self._flips.setData(x=places, y=heights)
        return heights

    def _describe(self) -> None:
        """Describe the curves: probabilities at the marker, and the most probable token by α."""
        run, curve = self._run, self._curve
        if run is None or curve is None:
            return
        at = self._marker.value()
        self._reset.setVisible(self._tried_alpha() is not None)
        marks = ("—", "- -", "···")
        here = [float(np.interp(at, curve.alphas, row)) for row in curve.probabilities]
        parts = [
            f"{mark} {quoted(run.label(token))} {probability(value)}"
            for mark, token, value in zip(marks, curve.token_ids, here, strict=False)
        ]
        text = "   ".join(part.replace(" ", "\u00a0") for part in parts)
        near, every = self._describe_flips(run, curve, at)
        note = ""
        if curve.estimated:
            note = "\n" + self.tr(
                "Estimated from the candidates: the logits of this token are not kept."
            )
        self._legend.setText(text + near + note)
        self._legend.setToolTip((text + every + note).strip())
        lines = _LINES + bool(note)  # constant height: the plot must not move during a drag
        self._legend.setMinimumHeight(lines * self._legend.fontMetrics().lineSpacing())
        self._plot.setAccessibleDescription(f"α {factor(at)}: {text}{every}{note}")

    def _describe_flips(self, run: Run, curve: AlphaCurve, at: float) -> tuple[str, str]:
        """Describe where the most probable token changes: near ``at``, and for all α."""
        if not curve.flips:
            return "", ""
        flips = [
            self.tr("{0} from {1}").format(quoted(run.label(f.after)), factor(f.alpha))
            for f in curve.flips
        ]
        above = sum(flip.alpha <= at for flip in curve.flips)
        first, end = max(above - 1, 0), above + 1
        shown = ["…"] * (first > 0) + flips[first:end] + ["…"] * (end < len(flips))
        near, every = (
            "\n" + self.tr("Most probable token by α: {0}").format(", ".join(parts))
            for parts in (shown, flips)
        )
        return near, every

    # User actions

    def _tried_alpha(self) -> float | None:
        """The α that the marker was moved to, or None while it is at the run's α."""
        if self._curve is None or self._token is None:
            return None
        at, run_alpha = float(self._marker.value()), self._token.alphas[self._curve.pair]
        nearest = min(max(run_alpha, LOWEST_ALPHA), HIGHEST_ALPHA)
        return None if abs(at - nearest) < _NEAR else at

    def try_alpha(self, pair: int, alpha: float) -> None:
        """Show the curves of a pair, and move the marker to an α."""
        self._pair.setCurrentIndex(pair)
        self._move_marker(alpha)

    def _move_marker(self, alpha: float) -> None:
        self._marker.setPos(alpha)
        self._on_moved()

    def _reset_marker(self) -> None:
        if self._curve and self._token:
            self._plot.setFocus()  # the button is about to be hidden
            self._move_marker(self._token.alphas[self._curve.pair])

    def _on_moved(self) -> None:
        self._describe()
        if self._curve and self._token:
            tried, run_alpha = self._tried_alpha(), self._token.alphas[self._curve.pair]
            self.alpha_tried.emit(self._curve.pair, run_alpha if tried is None else tried)

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Right: _STEP, Qt.Key.Key_Left: -_STEP}.get(Qt.Key(event.key()))
            if step is not None and self._curve:
                self._move_marker(self._marker.value() + step)
                return True
        elif event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        elif event.type() == QEvent.Type.MouseButtonDblClick and self._curve:
            self._reset_marker()
            return True
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        paint_focus_ring(self, self._plot)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
