"""Display settings of the text and the plot, the same for all runs."""

from __future__ import annotations

import json
from contextlib import suppress

from PySide6.QtCore import QObject, QSettings, Signal

from app.attribution.measures import Measure, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import HIDDEN_AT_FIRST
from app.attribution.tint_scale import USUAL, Tint, TintScale, unit_of
from app.ui.state.hints import Hints
from app.ui.state.number_units import Units
from app.ui.state.runs.token_groups import Grouping

_SMALLEST, _LARGEST = -5, 12
"""Limits of the size of texts, in steps of :data:`_STEP` from the usual size."""
_STEP = 1.1
_PLACE_OF_PAIR = "pair-"


def _stored(keys: frozenset[str]) -> str:
    """Keys as text: the name of a pair may contain any character."""
    return json.dumps(sorted(keys), ensure_ascii=False)


def _from_stored(text: str, separator: str | None) -> frozenset[str]:
    """The keys that :func:`_stored` wrote, or that an earlier version wrote between separators."""
    with suppress(ValueError):
        keys = json.loads(text)
        return frozenset(key for key in keys if isinstance(key, str))
    return frozenset(filter(None, text.split(separator)))


class Display(QObject):
    """Tint and grouping of the text, measures and hidden parts of the plot, and hints."""

    tint_changed = Signal()
    """``tint``, its scale or ``grouping`` changed."""
    difference_scale_changed = Signal()
    """``difference_scale`` changed."""
    plot_changed = Signal()
    """``plot_measures``, ``plot_unit`` or ``hidden`` changed."""
    rendered_changed = Signal()
    """``rendered`` changed."""

    columns_changed = Signal()
    """``candidate_columns`` changed."""

    text_scale_changed = Signal()
    """``text_scale`` changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.hints = Hints(self)
        self.tint = Tint()
        self.tint_scales: dict[Measure, TintScale] = {}
        """The chosen colour scale of each measure that has another than the usual one."""
        self.difference_scale = USUAL
        """The chosen colour scale of the difference of two runs."""
        self.grouping = Grouping.TOKEN
        self.plot_measures: tuple[PlotMeasure, ...] = (PlotMeasure.PROBABILITY,)
        """The measure of the plot, and that of a second plot below it if there is one."""
        self.plot_unit = Unit.BITS
        """Unit of amounts of information in the plot: bits or nats."""
        self.hidden = HIDDEN_AT_FIRST
        """Keys of the hidden parts of the plot."""
        self.candidate_columns: frozenset[str] = frozenset()
        """Columns of the candidates that are shown or hidden unlike at first, and hidden pairs."""
        self._size = 0
        self.rendered = False
        """Whether the answers of a conversation are formatted text instead of tokens."""

    def set_tint(self, tint: Tint) -> None:
        """Colour tokens by another measure."""
        if tint != self.tint:
            self.tint = tint
            self.tint_changed.emit()

    def set_tint_scale(self, measure: Measure, scale: TintScale) -> None:
        """Choose the colour scale of a measure."""
        if scale != self.tint_scales.get(measure, USUAL):
            self.tint_scales = {**self.tint_scales, measure: scale}
            self.tint_changed.emit()

    def set_difference_scale(self, scale: TintScale) -> None:
        """Choose the colour scale of the difference of two runs."""
        if scale != self.difference_scale:
            self.difference_scale = scale
            self.difference_scale_changed.emit()

    def unit_of(self, measure: Measure) -> Unit:
        """The unit in which tokens are coloured by a measure."""
        return unit_of(measure, self.tint_scales.get(measure, USUAL))

    def set_grouping(self, grouping: Grouping) -> None:
        """Colour and select tokens one by one or in groups."""
        if grouping is not self.grouping:
            self.grouping = grouping
            self.tint_changed.emit()

    def set_plot_measures(self, first: PlotMeasure, second: PlotMeasure | None = None) -> None:
        """Choose the measure of the plot, and that of the plot below it, or None."""
        measures = (first,) if second is None else (first, second)
        if measures != self.plot_measures:
            self.plot_measures = measures
            self.plot_changed.emit()

    def set_plot_unit(self, unit: Unit) -> None:
        """Show amounts of information in the plot in bits or in nats."""
        if unit is not self.plot_unit:
            self.plot_unit = unit
            self.plot_changed.emit()

    @property
    def units(self) -> Units:
        """Units of the numbers that readouts and the inspector tell, as in the plot.

        Contributions are in log-probability where the plot shows them so, and not in probability.
        """
        shown = self.plot_measures
        in_logs = PlotMeasure.LOG_PROBABILITY in shown and PlotMeasure.PROBABILITY not in shown
        return Units(self.plot_unit, self.plot_unit if in_logs else Unit.PROBABILITY)

    def set_rendered(self, rendered: bool) -> None:
        """Show answers as formatted text, or as tokens."""
        if rendered != self.rendered:
            self.rendered = rendered
            self.rendered_changed.emit()

    @property
    def text_scale(self) -> float:
        """Size of prompts, texts and conversations, relative to the usual size."""
        return float(_STEP**self._size)

    def can_zoom(self, by: int) -> bool:
        """Whether :meth:`zoom` changes the size."""
        return _SMALLEST <= self._size + by <= _LARGEST

    def zoom(self, by: int) -> None:
        """Make texts larger (1) or smaller (−1) by a step; 0 restores the usual size."""
        size = self._size + by if by else 0
        if size != self._size and _SMALLEST <= size <= _LARGEST:
            self._size = size
            self.text_scale_changed.emit()

    def show_part(self, part: str, shown: bool) -> None:
        """Show or hide a part of the plot."""
        if shown != (part not in self.hidden):
            self.hidden = self.hidden - {part} if shown else self.hidden | {part}
            self.plot_changed.emit()

    def toggle_candidate_column(self, key: str) -> None:
        """Show or hide a column of the candidates."""
        self.candidate_columns ^= {key}
        self.columns_changed.emit()

    def restore(self, store: QSettings) -> None:
        """Load the saved settings; unknown values are ignored."""
        self.hints.restore(store)
        columns = _from_stored(str(store.value("candidates/columns", "[]")), None)
        # earlier versions wrote places of pairs, which are other pairs in another recipe
        self.candidate_columns = frozenset(
            key for key in columns if not key.startswith(_PLACE_OF_PAIR)
        )
        self.columns_changed.emit()
        measure, _, pair = str(store.value("tint", "")).partition(":")
        if measure in set(Measure):
            self.set_tint(Tint(Measure(measure), int(pair) if pair.isdecimal() else 0))
        for each in Measure:
            stored = store.value(f"tint scale/{each}")
            if isinstance(stored, str):
                self.set_tint_scale(each, TintScale.from_stored(stored))
        stored = store.value("difference scale")
        if isinstance(stored, str):
            self.set_difference_scale(TintScale.from_stored(stored))
        grouping = str(store.value("grouping", ""))
        if grouping in set(Grouping):
            self.set_grouping(Grouping(grouping))
        keys = str(store.value("plot/measures", "")).split()
        if keys and set(keys) <= set(PlotMeasure):
            self.set_plot_measures(*map(PlotMeasure, keys[:2]))
        self.set_plot_unit(Unit.NATS if store.value("plot/unit") == Unit.NATS else Unit.BITS)
        self.set_rendered(store.value("rendered answers") in (True, "true"))
        size = str(store.value("text size", "0"))
        with suppress(ValueError):
            self._size = min(max(int(size), _SMALLEST), _LARGEST)
            self.text_scale_changed.emit()
        hidden = store.value("plot/hidden")
        if isinstance(hidden, str):
            self.hidden = _from_stored(hidden, "\n")
            self.plot_changed.emit()

    def remember(self, store: QSettings) -> None:
        """Save the settings for :meth:`restore`."""
        self.hints.remember(store)
        store.setValue("candidates/columns", _stored(self.candidate_columns))
        store.setValue("tint", f"{self.tint.measure}:{self.tint.pair}")
        for measure, scale in self.tint_scales.items():
            store.setValue(f"tint scale/{measure}", scale.stored)
        store.setValue("difference scale", self.difference_scale.stored)
        store.setValue("grouping", str(self.grouping))
        store.setValue("plot/measures", " ".join(self.plot_measures))
        store.setValue("plot/unit", str(self.plot_unit))
        store.setValue("rendered answers", self.rendered)
        store.setValue("text size", self._size)
        store.setValue("plot/hidden", _stored(self.hidden))
