"""Computes the map of α of a run on a background thread, in blocks that are shown as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event

from PySide6.QtCore import QObject, QTimer, Signal

from app.attribution.alpha_grid import AlphaGrid, GridToken, alpha_axis, alpha_grid
from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.decoding.types import RoleLogits
from app.errors import TuneshiftError
from app.ui.alpha_map.grid_values import GridValues
from app.ui.state.records.history_reader import HistoryReader
from app.ui.state.runs.run import Run
from app.ui.state.session import Session

_MOST_TOKENS, _MOST_LOGITS = 256, 2_000_000
"""A block ends after so many tokens, or so many logits of full rows."""

_PAINTING_MS = 50
"""Time for the window to be painted before the thread that computes competes with it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The next tokens to compute, with what is in memory of them; None has to be read."""

    tokens: Sequence[ExplainedToken]
    at_hand: Sequence[RoleLogits | CandidateRows | None]
    run_id: str
    pair: int | None
    stopped: Event

    def compute(self, reader: HistoryReader) -> list[AlphaGrid]:
        """The grid of the tokens of which something is kept; runs on a background thread.

        Raises:
            HistoryError: The stored candidates cannot be read.
            Cancelled: The computation was stopped.
        """
        read = dict[int, CandidateRows]()
        if any(kept is None for kept in self.at_hand):
            end = self.tokens[-1].index + 1
            read = reader.candidates(self.run_id, self.tokens[0].index, end)
        tokens = [
            GridToken(token.index, token.token_id, token.alphas, found)
            for token, kept in zip(self.tokens, self.at_hand, strict=True)
            if (found := kept or read.get(token.index)) is not None
        ]
        return list(alpha_grid(tokens, self.pair, alpha_axis(), self.stopped.is_set))


class GridComputation(QObject):
    """Computes the grid of one run at a time, and follows the run while it is generated.

    Args:
        session: The session, whose thread for reading computes the blocks.
        report: Shows an error.
    """

    changed = Signal()
    """Tokens were computed, or another grid was begun."""

    def __init__(
        self, session: Session, report: Callable[[TuneshiftError], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._report = report
        self._run: Run | None = None
        self._pair: int | None = None
        self._stopped = Event()
        self._job: int | None = None
        self._next = 0
        self._painting = QTimer(self, interval=_PAINTING_MS, singleShot=True)
        self._painting.timeout.connect(self._go_on)
        self.values = GridValues(0)
        session.runs.tokens_added.connect(self._go_on)
        session.runs.run_changed.connect(self._on_run)

    @property
    def done(self) -> int:
        """Number of tokens that were computed, or of which nothing is kept."""
        return self._next

    @property
    def total(self) -> int:
        """Number of tokens of the run."""
        return len(self._run.tokens) if self._run else 0

    def begin(self, run: Run | None, pair: int | None) -> None:
        """Compute the grid of ``run``.

        Args:
            run: The run; None, or a run without pairs, has no grid.
            pair: The pair whose α varies; None to scale the alphas of all pairs together.
        """
        self.stop()
        self._run = run if run and run.pair_names else None
        self._pair, self._next = pair, 0
        self.values = GridValues(self.total)
        self.changed.emit()
        self._painting.start()

    def stop(self) -> None:
        """Stop computing; what is known stays."""
        self._stopped.set()
        self._painting.stop()
        if self._job is not None:
            self._session.history.reading.forget(self._job)
            self._job = None

    def _on_run(self) -> None:
        """Go on with tokens that came, and begin again if the tokens of the run are others."""
        run = self._run
        if run is None or run is not self._session.runs.current:
            return
        if len(run.tokens) < self._next:
            self.begin(run, self._pair)
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._run is None or self._job is not None or self._next >= self.total:
            return
        block = self._block(self._run)
        self._job = self._session.history.reading.run(
            self,
            partial(block.compute, self._session.history.reader),
            partial(self._take, len(block.tokens)),
            self._fail,
        )

    def _block(self, run: Run) -> _Block:
        self._stopped = Event()
        tokens: list[ExplainedToken] = []
        at_hand: list[RoleLogits | CandidateRows | None] = []
        logits = 0
        for token in run.tokens[self._next : self._next + _MOST_TOKENS]:
            kept = run.rows.at_hand(token.index)
            tokens.append(token)
            at_hand.append(kept)
            logits += kept.base.size if isinstance(kept, RoleLogits) else 0
            if logits >= _MOST_LOGITS:
                break
        return _Block(tokens, at_hand, self._session.history.id_of(run), self._pair, self._stopped)

    def _take(self, count: int, grids: list[AlphaGrid]) -> None:
        self._job = None
        self._next += count
        self.values.extend_to(self.total)
        for grid in grids:
            self.values.put(grid)
        self.changed.emit()
        self._go_on()

    def _fail(self, error: TuneshiftError) -> None:
        self._job = None
        self._run = None
        self._report(error)
        self.changed.emit()
