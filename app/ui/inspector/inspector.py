"""Inspector: the details of the selected token, in the right column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from app.attribution.attribution import attribute
from app.attribution.estimated import attribute_candidates
from app.attribution.explained_token import ExplainedToken
from app.errors import HistoryError
from app.ui.inspector.candidates_view import CandidatesView
from app.ui.inspector.token_description import TokenAtAlphas, TokenDescription
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import SPACE
from app.wording import factor

if TYPE_CHECKING:
    from app.ui.inspector.alpha_curve_view import AlphaCurveView

_AHEAD_MS = 250
"""Time after a run is shown or ends, in which its text and its plot are painted."""


class Inspector(QFrame):
    """Probabilities, contributions, candidates and α curve of the selected token."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._stale = True
        self._shown: tuple[Run, ExplainedToken] | None = None
        self.setProperty("role", "side")
        self._description = TokenDescription()
        self._candidates = CandidatesView(session.display)
        self._candidates.chosen.connect(self._continue_from)
        self._curve: AlphaCurveView | None = None
        self._curve_place = QVBoxLayout()
        self._ahead = QTimer(self, interval=_AHEAD_MS, singleShot=True)
        self._ahead.timeout.connect(self._make_curve_ahead)
        self._empty = QLabel(
            self.tr("Select a token in the text or in the plot to see its candidates.")
        )
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "caption")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setMargin(2 * SPACE)
        self._stack = QStackedLayout()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE)
        outer.addLayout(self._stack)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._lay_out())
        session.selection.changed.connect(self._update)
        session.display.plot_changed.connect(self._update_units)
        session.selection.alpha_tried.connect(self._move_curve_marker)
        session.runs.run_changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        self._update_units()
        self._update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(340, 600)

    def _lay_out(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self._description)
        layout.addWidget(self._candidates, 1)
        layout.addLayout(self._curve_place)
        area = QScrollArea()  # in a low window the column scrolls
        area.setWidget(page)
        page.setAutoFillBackground(False)  # the background is that of the column
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return area

    # Content

    def _update(self) -> None:
        if not self.isVisible():
            self._stale = True  # behind another tab; updated when the tab is shown
            return
        self._stale = False
        runs = self._session.runs
        run, selected = runs.current, self._session.selection.token
        tuned = self._session.recipe.base.tuned
        why_not = (
            self.tr("Not with a base that is tuned on a server: it needs all logits here")
            if tuned
            else ""
        )
        self._candidates.set_startable(not (runs.running or tuned), why_not)
        if self._curve is None and self._may_make_ahead():
            self._ahead.start()
        if run is None or selected is None:
            self._shown = None
            self._candidates.clear()
            self._stack.setCurrentIndex(0)
            return
        token = run.tokens[selected]
        if self._shown != (run, token):  # the end of a run does not change its tokens
            self._shown = run, token
            self._show(run, token)
        self._stack.setCurrentIndex(1)

    def _show(self, run: Run, token: ExplainedToken) -> None:
        self._description.show_token(TokenAtAlphas(run, token, token.alphas, token.attribution))
        try:
            rows = run.candidates(token.index)
        except HistoryError as error:  # candidates of opened runs are read from the history
            self._session.report(error)
            self._candidates.clear()
            if self._curve:
                self._curve.setVisible(False)
            return
        kept = run.rows.rows(token.index) if rows.pairs_were_read else None
        self._candidates.show_candidates(run, rows, token.token_id, kept)
        read = bool(run.pair_names) and rows.pairs_were_read
        self._description.show_skipped(bool(run.pair_names) and not rows.pairs_were_read)
        if read:
            self._curve_view().show_token(run, token)
        if self._curve:
            self._curve.setVisible(read)

    def _update_units(self) -> None:
        self._description.set_units(self._session.display.units)

    def _curve_view(self) -> AlphaCurveView:
        """The α curve, made for the first run with pairs since importing pyqtgraph is slow."""
        if self._curve is None:
            from app.ui.inspector.alpha_curve_view import AlphaCurveView

            self._curve = AlphaCurveView()
            self._curve.setVisible(False)  # until it has a token
            self._curve.alpha_tried.connect(self._try_alpha)
            self._curve_place.addWidget(self._curve)
        return self._curve

    def _may_make_ahead(self) -> bool:
        """Whether a run whose tokens have an α curve is shown, and nothing is generated."""
        runs = self._session.runs
        run = runs.current
        return self.isVisible() and not runs.running and run is not None and bool(run.pair_names)

    def _make_curve_ahead(self) -> None:
        """Make the α curve while the window is idle, so that the first selection need not."""
        if self._may_make_ahead():
            self._curve_view()

    def _move_curve_marker(self, pair: int, alpha: float) -> None:
        """Move the marker of the α curve to what was chosen in another view."""
        if self._curve is not None and self._curve.isVisible():
            self._curve.try_alpha(pair, alpha)

    def _try_alpha(self, pair: int, alpha: float) -> None:
        """Show the token as it would have been with another α of one pair."""
        if self._shown is None:
            return
        run, token = self._shown
        alphas = tuple(alpha if i == pair else a for i, a in enumerate(token.alphas))
        self._description.show_token(_at_alphas(run, token, alphas))
        rows = run.rows.candidates_at(token.index, alphas)
        tried = "" if alphas == token.alphas else f"α {factor(alpha)}"
        self._candidates.show_at_alphas(run, rows, tried)

    # User actions

    def _continue_from(self, token_id: int) -> None:
        """Continue from a candidate: replace the last token of a stepped run, or start a branch."""
        if self._shown is None:
            return
        _, token = self._shown
        self._session.runs.continue_with(token.index, token_id)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 — Qt's name
        super().showEvent(event)
        if self._stale:
            self._update()


def _at_alphas(run: Run, token: ExplainedToken, alphas: tuple[float, ...]) -> TokenAtAlphas:
    """The token at these alphas: exact if its logits are kept, or else estimated."""
    if alphas == token.alphas:
        return TokenAtAlphas(run, token, alphas, token.attribution)
    rows = run.rows.rows(token.index)
    if rows is not None:
        return TokenAtAlphas(run, token, alphas, attribute(rows, alphas, token.token_id))
    kept = run.rows.candidates_at(token.index, alphas)
    return TokenAtAlphas(
        run, token, alphas, attribute_candidates(kept, token.token_id), estimated=True
    )
