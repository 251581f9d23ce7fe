"""The map of α: a window with every token of the shown run at every α."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.attribution.row_statistics import Floats
from app.ui.alpha_map.alpha_map_words import AlphaMapWords
from app.ui.alpha_map.grid_computation import GridComputation
from app.ui.alpha_map.grid_values import GridMeasure
from app.ui.alpha_map.heat_legend import HeatLegend
from app.ui.alpha_map.heat_map import HeatMap
from app.ui.alpha_map.map_files import MapFileMenu
from app.ui.plot.plot_words import token_text
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.tint_menus import MenuButton
from app.ui.theme import SPACE
from app.ui.widgets.form_controls import ChoiceBox, choice_of
from app.ui.widgets.paragraph import paragraph
from app.wording import factor

_SIZE = QSize(980, 460)
_FRAME = 48
"""Pixels of the screen that the window leaves free for its frame."""
_REDRAW_MS = 120
"""Interval of redrawing while blocks are computed."""
_LEAST_ENTROPY = 1.0
"""Minimum of the upper end of the colours of the entropy, in bits."""
_ALL_PAIRS = -1


class AlphaMapDialog(QDialog):
    """Shows the map of the shown run, and offers the α of the marker as a what-if question."""

    what_if_wanted = Signal(tuple)
    """The alphas of the marker are wanted for the whole run, as a tuple of numbers."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._session = session
        self._words = AlphaMapWords(self)
        self._run: Run | None = None
        self.computation = GridComputation(session, session.report, self)
        self.measure = choice_of(self._words.measures(), GridMeasure.PROBABILITY)
        self.pair = ChoiceBox()
        self.legend = HeatLegend()
        self.map = HeatMap(session.selection, self._describe_cell)
        self.readout = paragraph()
        self.state = paragraph(role="caption")
        self.progress = QProgressBar()
        self.what_if = QPushButton()
        self._picture = QWidget()
        self.files = MapFileMenu(session, self._picture, self)
        self._export = MenuButton(self.files, self.tr("Save or copy the map"))
        self._redraw = QTimer(self, interval=_REDRAW_MS, singleShot=True)
        self.setWindowTitle(self.tr("Map of α"))
        self._lay_out()
        self._connect()
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - QSize(_FRAME, _FRAME)))
        self._on_run()
        self.map.setFocus()

    def _lay_out(self) -> None:
        self.measure.setAccessibleName(self.tr("Measure"))
        self.pair.setAccessibleName(self.tr("Pair whose α varies"))
        self.progress.setTextVisible(False)
        self._export.show_choice(self.tr("Export"))
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.reject)
        for button in (close, self.what_if):
            button.setAutoDefault(False)
        head = QHBoxLayout()
        head.setSpacing(SPACE)
        head.addWidget(self.measure, 1)
        head.addWidget(self.pair, 1)
        head.addStretch(1)
        head.addWidget(self._export)
        picture = QVBoxLayout(self._picture)
        picture.setContentsMargins(0, 0, 0, 0)
        picture.setSpacing(SPACE // 2)
        picture.addWidget(self.legend, 0, Qt.AlignmentFlag.AlignRight)
        picture.addWidget(self.map, 1)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE)
        foot.addWidget(self.state, 1)
        foot.addWidget(self.what_if)
        foot.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addLayout(head)
        layout.addWidget(self._picture, 1)
        layout.addWidget(self.readout)
        layout.addWidget(self.progress)
        layout.addLayout(foot)

    def _connect(self) -> None:
        session = self._session
        session.runs.run_changed.connect(self._on_run)
        session.selection.changed.connect(self._on_selection)
        self.computation.changed.connect(self._on_computed)
        self._redraw.timeout.connect(self._draw)
        self.measure.currentIndexChanged.connect(self._draw)
        self.pair.currentIndexChanged.connect(self._begin)
        self.map.marked.connect(self._describe)
        self.map.tried.connect(self._try_in_curve)
        self.map.entered.connect(self.what_if.click)
        self.what_if.clicked.connect(self._ask)

    # What is shown

    @property
    def _pair(self) -> int | None:
        """The pair whose α varies; None for all pairs together."""
        pair = self.pair.currentData()
        return None if pair in (None, _ALL_PAIRS) else int(pair)

    def _on_run(self) -> None:
        run = self._session.runs.current
        if run is not self._run:
            self._run = run
            self._offer_pairs(run.pair_names if run else ())
            self._begin()
            self.map.show_all()
        else:
            self._draw()

    def _offer_pairs(self, names: tuple[str, ...]) -> None:
        several = len(names) > 1
        with QSignalBlocker(self.pair):
            self.pair.clear()
            if several:
                self.pair.addItem(self.tr("All pairs together"), _ALL_PAIRS)
            for place, name in enumerate(names):
                self.pair.addItem(self.tr("α of {0}").format(name), place)
        self.pair.setVisible(several)

    def _begin(self) -> None:
        self.map.place = None
        self.computation.begin(self._run, self._pair)
        self._draw()
        self._on_selection()

    def _on_computed(self) -> None:
        if self.computation.done >= self.computation.total:
            self._redraw.stop()
            self._draw()
        elif not self._redraw.isActive():
            self._redraw.start()

    def _draw(self) -> None:
        run, measure = self._run, GridMeasure(self.measure.currentData())
        values = self.computation.values.of(measure)
        highest = 1.0
        if measure is GridMeasure.ENTROPY:
            known = values[np.isfinite(values)]
            highest = float(known.max(initial=_LEAST_ENTROPY))
        self.map.show_values(measure, values, highest)
        if run is not None:
            self.map.name_tokens(partial(token_text, run), run)
        paired = run is not None and bool(run.pair_names)
        self.map.show_used(
            self._used_alphas(), self._words.title_of(run, self._pair) if run and paired else ""
        )
        self.files.run, self.files.values = run if paired else None, self.computation.values
        self.files.axis = "alpha_factor" if self._pair is None else "alpha"
        low, high = self._words.range_of(measure, highest)
        unknown = self.tr("not known") if np.isnan(values).any() else ""
        self.legend.show_range(measure, low, high, unknown)
        done, total = self.computation.done, self.computation.total
        self.files.set_complete(run is None or done >= len(run.tokens))
        self.progress.setVisible(done < total)
        self.progress.setMaximum(total)
        self.progress.setValue(done)
        self.state.setText(self._words.refusal(run) or self._words.state(self.computation))
        self._describe()

    def _used_alphas(self) -> Floats:
        """The α of the run at each token on the axis of the map, [T]."""
        if self._run is None or not self._run.pair_names:
            return np.zeros(0)
        if self._pair is None:
            return np.ones(len(self._run.tokens))
        return np.array([token.alphas[self._pair] for token in self._run.tokens])

    # The marker

    def _on_selection(self) -> None:
        """Put the marker at the selected token; at first, at the α of the run there."""
        token = self._session.selection.token
        if token is not None and self.map.place is None and token < self.computation.total:
            used = float(self._used_alphas()[token])
            self.map.mark(self.computation.values.nearest(used))  # which describes it
            return
        self.map.show_marker()
        self._describe()

    def _marked(self) -> tuple[Run, int, int] | None:
        """The run, the token and the index of the α of the marker."""
        token, place = self._session.selection.token, self.map.place
        if self._run is None or token is None or place is None:
            return None
        return (self._run, token, place) if token < self.computation.total else None

    def _try_in_curve(self) -> None:
        """Move the marker of the α curve of the pair to the marked α."""
        marked = self._marked()
        if marked and self._pair is not None:
            alpha = float(self.computation.values.alphas[marked[2]])
            self._session.selection.try_alpha(self._pair, alpha)

    def _describe(self) -> None:
        marked = self._marked()
        text = ""
        if marked:
            run, token, place = marked
            text = self._describe_cell(token, place)
            alpha = factor(float(self.computation.values.alphas[place]), ".1f")
            self.what_if.setText(
                self.tr("What if all α were × {0} …").format(alpha)
                if self._pair is None
                else self.tr("What if α were {0} …").format(alpha)
            )
            refusal = self._words.question_refusal(run, self._pair)
            self.what_if.setEnabled(not refusal)
            self.what_if.setToolTip(refusal)
        self.what_if.setVisible(marked is not None)
        self.readout.setText(text or self.tr("Click a cell, or move with the arrow keys."))
        self.map.describe_marker(text)

    def _describe_cell(self, index: int, place: int) -> str:
        run = self._run
        if run is None or index >= len(run.tokens):
            return ""
        return self._words.cell(run, self.computation.values, index, place, self._pair)

    def _ask(self) -> None:
        """Ask the what-if question with the alphas of the marker."""
        marked = self._marked()
        if marked is None:
            return
        run, token, place = marked
        alpha = float(self.computation.values.alphas[place])
        own = run.tokens[token].alphas
        self.what_if_wanted.emit(
            tuple(alpha * each for each in own)
            if self._pair is None
            else tuple(alpha if pair == self._pair else each for pair, each in enumerate(own))
        )

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 — Qt's name
        super().hideEvent(event)
        if not event.spontaneous():  # not while the window is an icon
            self.computation.stop()
