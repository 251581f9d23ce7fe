"""Order of the shown run's tokens by shift, shared by the Changes tab and keyboard shortcuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from app.attribution.explained_token import ExplainedToken
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs
from app.wording import visible

_REFRESH_MS = 300
"""Interval of sorting while the run grows."""

Order = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Conditions on the listed tokens.

    Attributes:
        text: Text that the token contains; empty for all tokens.
        flips: Whether to list only flips.
        pair: The pair with the largest contribution; None for any.
    """

    text: str = ""
    flips: bool = False
    pair: int | None = None


class Changes(QObject):
    """Sorts the tokens of the shown run: flips first, then by the size of the shift.

    The order is computed on demand.
    """

    replaced = Signal()
    """The shown run or the filter changed."""
    grown = Signal()
    """The run got tokens; emitted at most a few times a second."""

    def __init__(self, runs: Runs) -> None:
        super().__init__(runs)
        self._runs = runs
        self._run: Run | None = None
        self._seen: Run | None = None
        self._filter = ChangeFilter()
        self._flips: list[bool] = []
        self._sizes: list[float] = []
        self._strongest: list[int] = []
        self._order: Order = np.empty(0, np.intp)
        self._ordered = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self.grown)
        runs.run_changed.connect(self._on_run_changed)
        runs.tokens_added.connect(self._on_tokens_added)

    @property
    def run(self) -> Run | None:
        """The shown run."""
        return self._runs.current

    @property
    def filter(self) -> ChangeFilter:
        return self._filter

    def set_filter(self, chosen: ChangeFilter) -> None:
        """Change the conditions on the listed tokens."""
        if chosen != self._filter:
            self._filter = chosen
            self._ordered = -1
            self.replaced.emit()

    def order(self) -> Order:
        """Indices of the tokens that match the filter, in order."""
        run = self._runs.current
        if run is not self._run:
            self._run, self._ordered = run, -1
            for column in (self._flips, self._sizes, self._strongest):
                column.clear()
        count = len(run.tokens) if run and run.pair_names else 0
        if run and count != self._ordered:
            self._append(run.tokens[len(self._sizes) : count])
            self._order = self._sort(run)
            self._ordered = count
        elif run is None:
            self._order = np.empty(0, np.intp)
        return self._order

    @property
    def flips(self) -> int:
        """Number of flips in the run, listed or not."""
        self.order()
        return sum(self._flips)

    def strongest_pair(self, index: int) -> int:
        """The pair with the largest absolute contribution to a token."""
        return self._strongest[index]

    def move(self, direction: int) -> None:
        """Select the next (1) or previous (−1) token of the order, or else the first."""
        order, selection = self.order(), self._runs.selection
        if not len(order):
            return
        (places,) = (order == selection.token).nonzero()
        if not len(places):
            selection.select(int(order[0]))
            return
        place = int(places[0]) + direction
        if 0 <= place < len(order):
            selection.select(int(order[place]))

    def _append(self, tokens: list[ExplainedToken]) -> None:
        for token in tokens:
            explained = token.attribution
            self._flips.append(explained.flipped)
            self._sizes.append(abs(explained.shift))
            sizes = [abs(share) for share in explained.contributions]
            self._strongest.append(sizes.index(max(sizes)))

    def _sort(self, run: Run) -> Order:
        flips, sizes = np.array(self._flips, bool), np.nan_to_num(self._sizes, posinf=np.inf)
        shown = self._matching(run, flips)
        # lexsort sorts by its last key first: flips, then size; ties keep the order of the run.
        order = np.lexsort((-sizes[shown], ~flips[shown]))
        found: Order = shown[order]
        return found

    def _matching(self, run: Run, flips: NDArray[np.bool_]) -> Order:
        chosen = np.ones(len(flips), bool)
        if self._filter.flips:
            chosen &= flips
        if self._filter.pair is not None:
            chosen &= np.array(self._strongest, np.intp) == self._filter.pair
        shown: Order = np.flatnonzero(chosen)
        text = self._filter.text.casefold()
        if text:
            ids = [run.tokens[index].token_id for index in map(int, shown)]
            having = {token_id for token_id in set(ids) if _has(run.label(token_id), text)}
            shown = shown[np.array([token_id in having for token_id in ids], bool)]
        return shown

    # From the runs

    def _on_run_changed(self) -> None:
        if self._runs.current is not self._seen:
            self._seen = self._runs.current
            self._timer.stop()
            if self._filter.pair is not None:  # another run may have other pairs
                self._filter = ChangeFilter(self._filter.text, self._filter.flips)
            self.replaced.emit()
        else:
            self.grown.emit()

    def _on_tokens_added(self) -> None:
        if not self._timer.isActive():
            self._timer.start()


def _has(name: str, text: str) -> bool:
    return text in name.casefold() or text in visible(name).casefold()
