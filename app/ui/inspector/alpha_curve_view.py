"""What the selected token would have become at another weight of one pair; runs no model."""

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
from app.ui.state.texts.text_run import Run
from app.ui.theme import SPACE, current_theme
from app.ui.widgets.focus_ring import FOCUS_GAP, paint_focus_ring
from app.ui.widgets.form_controls import ChoiceBox
from app.ui.widgets.reflow_row import ReflowRow
from app.wording import probability, quoted

_FOLLOWED = 3
"""The chosen token and the most probable others."""
_STEP = 0.05
_NEAR = 0.02
"""So near to the weight in force the marker means that one."""
_HEIGHT = 108
_LINES = 3
_BESIDE_LABELS = 12
_LOWEST_TOP = 0.02
"""The plot ends here at least, so that what is improbable everywhere looks so."""
_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


class AlphaCurveView(QWidget):
    """Probabilities over α of one pair, with a marker to drag; tells where the choice flips."""

    alpha_tried = Signal(int, float)
    """The marker was moved: the pair and the weight to look at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: Run | None = None
        self._token: ExplainedToken | None = None
        self._curve: AlphaCurve | None = None
        self._pair = ChoiceBox()
        self._pair.setAccessibleName(self.tr("Pair whose α runs"))
        self._pair.currentIndexChanged.connect(self._compute)
        self._title = QLabel()
        self._title.setProperty("role", "section")
        self._plot = pg.PlotWidget()
        self._lines = [pg.PlotDataItem() for _ in _STYLES]
        self._flips = pg.ScatterPlotItem(size=7)
        self._in_force = pg.InfiniteLine(angle=90)
        self._marker = pg.InfiniteLine(
            angle=90, movable=True, bounds=(LOWEST_ALPHA, HIGHEST_ALPHA), label="α {value:.2f}"
        )
        self._marker.label.setPosition(0.9)
        self._marker.sigDragged.connect(self._on_moved)
        self._back = QPushButton()
        self._back.setProperty("role", "link")
        self._back.clicked.connect(self._go_back)
        self._legend = QLabel()
        self._legend.setProperty("role", "caption")
        self._legend.setWordWrap(True)
        self._legend.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._legend.setTextFormat(Qt.TextFormat.PlainText)
        self._set_up_plot()
        self._lay_out()
        self._apply_theme()

    def show_token(self, run: Run, token: ExplainedToken) -> None:
        """Show another token; the pair stays chosen where it can."""
        self._run, self._token = run, token
        names = list(run.pair_names)
        if [self._pair.itemText(i) for i in range(self._pair.count())] != names:
            with QSignalBlocker(self._pair):
                self._pair.clear()
                self._pair.addItems(names)
        self._pair.setVisible(len(names) > 1)
        many = len(names) > 1
        self._title.setText(self.tr("α of") if many else self.tr("α of {0}").format(names[0]))
        self._compute()

    # Set-up

    def _set_up_plot(self) -> None:
        item = self._plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        view = item.getViewBox()
        view.setMouseEnabled(x=False, y=False)
        view.setXRange(LOWEST_ALPHA, HIGHEST_ALPHA, padding=0.03)
        left = item.getAxis("left")  # a label that is wider than the axis would be left out
        left.setWidth(self._plot.fontMetrics().horizontalAdvance("0.000") + _BESIDE_LABELS)
        item.getAxis("bottom").setTicks([[(i, f"{i}".replace("-", "−")) for i in range(-2, 5)]])
        for child in (*self._lines, self._flips, self._in_force, self._marker):
            item.addItem(child)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.setFixedHeight(_HEIGHT)
        self._plot.setAccessibleName(self.tr("Probability over α; left and right move the marker"))
        self._plot.installEventFilter(self)

    def _lay_out(self) -> None:
        head = ReflowRow()
        head.add(self._title)
        head.add(self._pair, 1)
        head.add(self._back)
        kept = self._back.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # or the column would jump under the pointer
        self._back.setSizePolicy(kept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(FOCUS_GAP, 0, FOCUS_GAP, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(head)
        layout.addWidget(self._plot)
        layout.addWidget(self._legend)

    def _apply_theme(self) -> None:
        theme = current_theme()
        pair = theme.pair_color(max(self._pair.currentIndex(), 0))
        self._plot.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        colors = (pair, QColor(theme.muted), QColor(theme.muted))
        for line, color, style in zip(self._lines, colors, _STYLES, strict=True):
            line.setPen(pg.mkPen(color, width=1.5, style=style))
        self._flips.setBrush(pg.mkBrush(theme.text))
        self._flips.setPen(pg.mkPen(None))
        self._in_force.setPen(pg.mkPen(theme.border, width=1))
        self._marker.setPen(pg.mkPen(pair, width=1.5))
        self._marker.setHoverPen(pg.mkPen(pair, width=3))
        self._marker.label.setColor(pair)

    # Content

    def _compute(self) -> None:
        run, token, pair = self._run, self._token, self._pair.currentIndex()
        if run is None or token is None or pair < 0:
            return
        rows, candidates = run.rows.rows(token.index), run.candidates(token.index)
        others = [int(i) for i in candidates.token_ids if i != token.token_id]
        followed = [token.token_id, *others[: _FOLLOWED - 1]]
        self._curve = (
            alpha_curve(rows, token.alphas, pair, followed)
            if rows
            else estimated_alpha_curve(candidates, pair, followed)
        )
        for line, values in zip(self._lines, self._curve.probabilities, strict=False):
            line.setData(self._curve.alphas, values)
        highest = max(float(self._curve.probabilities.max()), _LOWEST_TOP)
        self._plot.getPlotItem().getViewBox().setYRange(0, highest * 1.1, padding=0.02)
        self._show_flips(self._curve)
        self._in_force.setPos(token.alphas[pair])
        back = self.tr("Back to α {0}").format(f"{token.alphas[pair]:.2f}".replace("-", "−"))
        self._back.setText(back)
        self._marker.setPos(token.alphas[pair])
        self._apply_theme()
        self._tell()

    def _show_flips(self, curve: AlphaCurve) -> None:
        """A dot for every flip, on the curve of the token that takes over where that is shown."""
        shown = dict(zip(curve.token_ids, curve.probabilities, strict=True))
        dots = [
            (flip.alpha, float(np.interp(flip.alpha, curve.alphas, shown[flip.after])))
            for flip in curve.flips
            if flip.after in shown
        ]
        self._flips.setData(x=[x for x, _ in dots], y=[y for _, y in dots])

    def _tell(self) -> None:
        """The same in words: what is at the marker, and where the first choice changes."""
        run, curve = self._run, self._curve
        if run is None or curve is None:
            return
        at = self._marker.value()
        self._back.setVisible(self._tried() is not None)
        marks = ("—", "- -", "···")
        here = [float(np.interp(at, curve.alphas, row)) for row in curve.probabilities]
        parts = [
            f"{mark} {quoted(run.label(token))} {probability(value)}"
            for mark, token, value in zip(marks, curve.token_ids, here, strict=False)
        ]
        text = "   ".join(part.replace(" ", "\u00a0") for part in parts)
        near, every = self._tell_flips(run, curve, at)
        note = ""
        if curve.estimated:
            note = "\n" + self.tr("Estimated from the candidates: the full rows are not kept.")
        self._legend.setText(text + near + note)
        self._legend.setToolTip((text + every + note).strip())
        lines = _LINES + bool(note)  # always as high, or the plot would move under the pointer
        self._legend.setMinimumHeight(lines * self._legend.fontMetrics().lineSpacing())
        self._plot.setAccessibleDescription(f"α {at:.2f}: {text}{every}{note}".replace("-", "−"))

    def _tell_flips(self, run: Run, curve: AlphaCurve, at: float) -> tuple[str, str]:
        """Where the first choice changes: nearest to ``at``, and everywhere."""
        if not curve.flips:
            return "", ""
        told = [
            self.tr("{0} from {1}").format(quoted(run.label(f.after)), f"{f.alpha:.2f}")
            for f in curve.flips
        ]
        above = sum(flip.alpha <= at for flip in curve.flips)
        first, end = max(above - 1, 0), above + 1
        shown = ["…"] * (first > 0) + told[first:end] + ["…"] * (end < len(told))
        near, every = (
            "\n" + self.tr("First choice over α: {0}").format(", ".join(parts)).replace("-", "−")
            for parts in (shown, told)
        )
        return near, every

    # From the person

    def _tried(self) -> float | None:
        """The weight that the marker was moved to, or None where that is the one in force."""
        if self._curve is None or self._token is None:
            return None
        at, in_force = float(self._marker.value()), self._token.alphas[self._curve.pair]
        nearest = min(max(in_force, LOWEST_ALPHA), HIGHEST_ALPHA)
        return None if abs(at - nearest) < _NEAR else at

    def _move_marker(self, alpha: float) -> None:
        self._marker.setPos(alpha)
        self._on_moved()

    def _go_back(self) -> None:
        if self._curve and self._token:
            self._plot.setFocus()  # the button is about to go
            self._move_marker(self._token.alphas[self._curve.pair])

    def _on_moved(self) -> None:
        self._tell()
        if self._curve and self._token:
            tried, in_force = self._tried(), self._token.alphas[self._curve.pair]
            self.alpha_tried.emit(self._curve.pair, in_force if tried is None else tried)

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 — Qt's name
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Right: _STEP, Qt.Key.Key_Left: -_STEP}.get(Qt.Key(event.key()))
            if step is not None and self._curve:
                self._move_marker(self._marker.value() + step)
                return True
        elif event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        elif event.type() == QEvent.Type.MouseButtonDblClick and self._curve:
            self._go_back()
            return True
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        paint_focus_ring(self, self._plot)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
