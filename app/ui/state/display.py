"""How the text and the plot are shown: what a person chose once for all texts."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QSettings, Signal

from app.attribution.measures import Measure
from app.ui.state.texts.token_groups import Grouping

BASE, TUNED, KL, ENTROPY, SHIFT = "base", "tuned", "kl", "entropy", "shift"
"""The parts of the plot that every text has: lines, and the bars of log-probability."""

COVERAGE = "coverage"
"""Its line where the base is behind an endpoint."""

_HIDDEN_AT_FIRST = frozenset({KL, ENTROPY})


@dataclass(frozen=True, slots=True)
class Tint:
    """What tokens are coloured by; ``pair`` says whose contribution."""

    measure: Measure = Measure.SHIFT
    pair: int = 0

    def of(self, pairs: int) -> Tint:
        """The tint that a text with so many pairs can have: this one, or the nearest to it."""
        if not pairs:
            return Tint(Measure.SURPRISAL) if self.measure.needs_pairs else self
        missing = self.measure is Measure.CONTRIBUTION and self.pair >= pairs
        return Tint() if missing else self


def pair_part(name: str) -> str:
    """What the bars of a pair are called among the parts of the plot."""
    return f"pair:{name}"


class Display(QObject):
    """The chosen tint and grouping of the text, and the chosen parts and scale of the plot."""

    tint_changed = Signal()
    """``tint`` or ``grouping`` changed."""
    plot_changed = Signal()
    """``logarithmic`` or ``hidden`` changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tint = Tint()
        self.grouping = Grouping.TOKEN
        self.logarithmic = False
        """Whether the plot has log-probabilities, in bits, instead of probabilities."""
        self.hidden = _HIDDEN_AT_FIRST
        """The parts of the plot that are off."""

    def set_tint(self, tint: Tint) -> None:
        """Colour tokens by another number."""
        if tint != self.tint:
            self.tint = tint
            self.tint_changed.emit()

    def set_grouping(self, grouping: Grouping) -> None:
        """Colour, and choose, tokens one by one or in groups."""
        if grouping is not self.grouping:
            self.grouping = grouping
            self.tint_changed.emit()

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Plot log-probabilities or probabilities."""
        if logarithmic != self.logarithmic:
            self.logarithmic = logarithmic
            self.plot_changed.emit()

    def show_part(self, part: str, shown: bool) -> None:
        """Switch a part of the plot on or off."""
        if shown != (part not in self.hidden):
            self.hidden = self.hidden - {part} if shown else self.hidden | {part}
            self.plot_changed.emit()

    def restore(self, memory: QSettings) -> None:
        """Take what was remembered; what this version does not know stays as it is."""
        measure, _, pair = str(memory.value("tint", "")).partition(":")
        if measure in set(Measure):
            self.set_tint(Tint(Measure(measure), int(pair) if pair.isdecimal() else 0))
        grouping = str(memory.value("grouping", ""))
        if grouping in set(Grouping):
            self.set_grouping(Grouping(grouping))
        self.set_logarithmic(memory.value("plot/logarithmic") in (True, "true"))
        hidden = memory.value("plot/hidden")
        if isinstance(hidden, str):  # parts are separated by line breaks, which no name has
            self.hidden = frozenset(filter(None, hidden.split("\n")))
            self.plot_changed.emit()

    def remember(self, memory: QSettings) -> None:
        """Write down what :meth:`restore` reads."""
        memory.setValue("tint", f"{self.tint.measure}:{self.tint.pair}")
        memory.setValue("grouping", str(self.grouping))
        memory.setValue("plot/logarithmic", self.logarithmic)
        memory.setValue("plot/hidden", "\n".join(sorted(self.hidden)))
