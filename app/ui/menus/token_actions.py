"""Token menu of the menu bar, whose actions the menus of tokens in text and plot have too."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.attribution.explained_token import ExplainedToken
from app.attribution.token_query import Criterion
from app.decoding.types import MAX_BIAS
from app.ui.compare.compare_dialog import show_comparison
from app.ui.history.exporting import copy_tokens
from app.ui.menus.menu import SessionMenu
from app.ui.menus.token_menu import TokenMenu
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.find_bar import FindBar
from app.ui.words.run_titles import RunTitles
from app.wording import menu_text

_MOST_RUNS = 24
"""How many runs the list of runs to compare with has, the newest first."""


class TokenActions(SessionMenu):
    """Menu of all that can be done with the selected token; the only list of these actions.

    Args:
        forks: Actions of the Runs menu that concern the selected token.
        find_bar: Finds the same token in the text.
    """

    def __init__(
        self, session: Session, window: QWidget, forks: Sequence[QAction], find_bar: FindBar
    ) -> None:
        super().__init__(session, window)
        self._find_bar = find_bar
        self._titles = RunTitles(self)
        self.setTitle(self.tr("T&oken"))
        self.addActions(forks)
        self.addSeparator()
        self._copy_text = self.add(self.tr("Copy the text"), self._on_copy_text)
        self._copy_id = self.add(self.tr("Copy the token id"), self._on_copy_id)
        self._copy_json = self.add(self.tr("Copy all numbers as JSON"), self._on_copy_json)
        self.addSeparator()
        self._same = [
            self.add(self.tr("Next same token"), lambda: self._go_to_same(1), "Alt+Shift+Down"),
            self.add(self.tr("Previous same token"), lambda: self._go_to_same(-1), "Alt+Shift+Up"),
            self.add(self.tr("Find the same token"), self._find_same),
        ]
        self.addSeparator()
        self._bookmark = self.add(self.tr("&Bookmark"), self._on_bookmark, "Ctrl+M")
        self._bookmark.setCheckable(True)
        self._moves = [
            self.add(self.tr("Next bookmark"), lambda: self._go_to_mark(1), "Alt+Shift+Right"),
            self.add(self.tr("Previous bookmark"), lambda: self._go_to_mark(-1), "Alt+Shift+Left"),
        ]
        self.addSeparator()
        self._compare = self.addMenu(self.tr("&Compare with"))
        self._compare.aboutToShow.connect(self._list_runs)
        self._exclude = self.add(
            self.tr("Never sample this token"),
            self._on_exclude,
            (),
            self.tr("Gives it a logit bias of −100 in the sampling settings of the next runs"),
        )
        self._exclude.setCheckable(True)
        selection = session.selection
        selection.menu_requested.connect(self._open_at)
        for signal in (selection.changed, selection.range_changed, selection.bookmarks.changed):
            signal.connect(self._update)
        session.recipe_changed.connect(self._update)
        session.runs.list_changed.connect(self._update)
        self.follow_run(self._update)
        self._update()

    def _open_at(self, place: QPoint, further: list[QAction]) -> None:
        TokenMenu(self._session, self._window, self.actions(), further).popup(place)

    @property
    def _chosen(self) -> tuple[Run, ExplainedToken] | None:
        """The shown run and its selected token, if there is one."""
        run, token = self._session.runs.current, self._session.selection.token
        inside = run is not None and token is not None and token < len(run.tokens)
        return (run, run.tokens[token]) if inside and run and token is not None else None

    def _update(self) -> None:
        chosen, selection = self._chosen, self._session.selection
        token = chosen[1] if chosen else None
        single = (self._copy_text, self._copy_id, self._copy_json, self._bookmark, *self._same)
        for action in (*single, self._compare.menuAction(), self._exclude):
            action.setEnabled(token is not None)
        self._compare.setEnabled(token is not None and len(self._session.runs.all) > 1)
        for move in self._moves:
            move.setEnabled(bool(selection.bookmarks.tokens))
        self._bookmark.setChecked(token is not None and selection.bookmarks.has(token.index))
        self._exclude.setChecked(
            token is not None
            and (token.token_id, -MAX_BIAS) in self._session.recipe.sampling.logit_bias
        )
        several = selection.range[1] - selection.range[0] if selection.range else 1
        self._copy_text.setText(
            self.tr("Copy the text of {0} tokens").format(f"{several:,}")
            if several > 1
            else self.tr("Copy the text")
        )

    # The clipboard

    def _on_copy_text(self) -> None:
        if self._chosen:
            run, _ = self._chosen
            first, end = self._range
            text = "".join(each.text for each in run.tokens[first:end])
            QGuiApplication.clipboard().setText(text)

    def _on_copy_id(self) -> None:
        if self._chosen:
            QGuiApplication.clipboard().setText(str(self._chosen[1].token_id))

    def _on_copy_json(self) -> None:
        if self._chosen:
            copy_tokens(self._session, *self._range)

    @property
    def _range(self) -> tuple[int, int]:
        """The selected range, or the selected token alone."""
        selection = self._session.selection
        token = selection.token or 0
        return selection.range or (token, token + 1)

    # Other places in the text

    def _go_to_same(self, direction: int) -> None:
        if self._chosen:
            run, token = self._chosen
            count = len(run.tokens)
            places = ((token.index + direction * step) % count for step in range(1, count + 1))
            same = next(at for at in places if run.tokens[at].token_id == token.token_id)
            self._session.selection.select(same)

    def _find_same(self) -> None:
        if self._chosen:
            self._find_bar.find_tokens(Criterion.ID, str(self._chosen[1].token_id))

    def _on_bookmark(self) -> None:
        if self._chosen:
            self._session.selection.bookmarks.toggle(self._chosen[1].index)

    def _go_to_mark(self, direction: int) -> None:
        selection = self._session.selection
        place = selection.bookmarks.beside(selection.token, direction)
        if place is not None:
            selection.select(place)

    # Other runs

    def _list_runs(self) -> None:
        """List the other runs, the newest first."""
        self._compare.clear()
        runs = self._session.runs
        others = [run for run in reversed(runs.all) if run is not runs.current]
        for other in others[:_MOST_RUNS]:
            title = self.tr("{0} — {1}").format(
                self._titles.title(other), self._titles.detail(other)
            )
            action = self._compare.addAction(menu_text(title))
            action.triggered.connect(lambda *_, run=other: self._compare_with(run))

    def _compare_with(self, other: Run) -> None:
        if self._chosen:
            run, token = self._chosen
            show_comparison(self._session, self._window, other, run, token.index)

    def _on_exclude(self) -> None:
        if self._chosen:
            excluded = self._exclude.isChecked()
            self._session.bias_token(self._chosen[1].token_id, -MAX_BIAS if excluded else 0.0)
