"""Runs menu: branches, what-if, and navigation between the window's runs."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from app.ui.branches.fork_popup import ForkPopup
from app.ui.compare.compare_dialog import show_comparison
from app.ui.compare.quantization_dialog import show_quantizations
from app.ui.menus.menu import SessionMenu
from app.ui.state.runs.rescoring import Rescoring
from app.ui.state.session import Session
from app.ui.what_if.what_if_bar import WhatIfBar


class RunsMenu(SessionMenu):
    """Menu that forks the shown run, opens the what-if bar, and shows other runs.

    Args:
        place: Returns the position of a token on the screen, for the fork pop-up.
        what_if: The what-if bar.
    """

    def __init__(
        self,
        session: Session,
        window: QWidget,
        place: Callable[[int], QPoint],
        what_if: WhatIfBar,
    ) -> None:
        super().__init__(session, window)
        self._place = place
        self.setTitle(self.tr("&Runs"))
        runs = session.runs
        self._forks = [
            self.add(self.tr("&Fork here with …"), lambda: self._open_popup(0), "Ctrl+K"),
            self.add(self.tr("Next alternative"), lambda: self._open_popup(1), "Alt+Down"),
            self.add(self.tr("Previous alternative"), lambda: self._open_popup(-1), "Alt+Up"),
        ]
        self._go_on_with = self.add(
            self.tr("Continue &with your own text …"), self._open_at_end, "Ctrl+Shift+K"
        )
        self.addSeparator()
        self._what_if = self.add(self.tr("What if α were &different …"), what_if.enter, "Ctrl+I")
        self.token_actions = [*self._forks, self._what_if]
        """Actions that concern the selected token."""
        self._others = [
            self.add(self.tr("Next different t&oken"), what_if.select_next, "Ctrl+J"),
            self.add(
                self.tr("&Generate from the first different token"),
                what_if.generate_from_there,
                "Ctrl+Shift+I",
            ),
        ]
        self.addSeparator()
        self._moves = [
            self.add(self.tr("Next run"), lambda: runs.move(1), "Ctrl+PgDown"),
            self.add(self.tr("Previous run"), lambda: runs.move(-1), "Ctrl+PgUp"),
        ]
        self._compare = self.add(
            self.tr("&Compare …"), lambda: show_comparison(session, window), "Ctrl+D"
        )
        rescoring = Rescoring(session, self)
        self._quantizations = self.add(
            self.tr("Compare &quantizations …"),
            lambda: show_quantizations(session, rescoring, window),
            "Ctrl+Shift+D",
        )
        self.addSeparator()
        self._remove = self.add(
            self.tr("&Remove the shown run"), self._remove_shown, "Ctrl+Shift+Backspace"
        )
        self._clear = self.add(self.tr("Remove a&ll runs"), self._remove_all)
        self._restore = self.add(
            self.tr("Re&store the removed run"), lambda: runs.restore(), "Ctrl+Alt+Z"
        )
        for signal in (runs.run_changed, runs.list_changed, runs.generation.began):
            signal.connect(lambda *_: self._update())
        runs.questions.changed.connect(self._update)
        session.selection.changed.connect(self._update)
        session.recipe_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        runs, token = self._session.runs, self._session.selection.token
        run, count = runs.current, len(runs.all)
        tuned = self._session.recipe.base.tuned
        ended = run is not None and not runs.running and not tuned
        for action in self._forks:
            action.setEnabled(ended and token is not None)
        self._go_on_with.setEnabled(ended)
        self._what_if.setEnabled(not tuned)
        why_not = self.tr("Not with a base that is tuned on a server: it needs all logits here")
        self.setToolTipsVisible(tuned or (run is not None and run.recipe.base.tuned))
        for action in (*self._forks, self._go_on_with, self._what_if):
            action.setToolTip(why_not if tuned else "")
        what_if = runs.questions.answer
        for action in self._others:
            action.setEnabled(what_if is not None and bool(what_if.choices))
        for action in self._moves:
            action.setEnabled(count > 1 or (count == 1 and run is None))
        self._compare.setEnabled(count > 1)
        on_server = run is not None and run.recipe.base.tuned
        self._quantizations.setEnabled(run is not None and bool(run.tokens) and not on_server)
        self._quantizations.setToolTip(why_not if on_server else "")
        self._clear.setEnabled(bool(runs.all) and not runs.running)
        self._remove.setEnabled(run is not None)
        self._restore.setEnabled(runs.removed.last is not None)

    def _open_popup(self, move: int) -> None:
        run, token = self._session.runs.current, self._session.selection.token
        if run and token is not None:
            popup = ForkPopup(self._session, run, token, self._window)
            if move < 0:
                popup.move_choice(-1)
            popup.open_at(self._place(token))

    def _open_at_end(self) -> None:
        run = self._session.runs.current
        if run:
            popup = ForkPopup(self._session, run, len(run.tokens), self._window)
            popup.open_at(self._place(max(len(run.tokens) - 1, 0)))

    def _remove_shown(self) -> None:
        run = self._session.runs.current
        if run:
            self._session.runs.remove(run)

    def _remove_all(self) -> None:
        """Empty the list of runs; they stay in the history."""
        runs = self._session.runs
        while runs.all:
            runs.remove(runs.all[-1])
