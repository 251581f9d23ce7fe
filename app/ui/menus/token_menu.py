"""Menu of the selected token, opened by a right click or the menu key in text and plot."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.ui.history.exporting import copy_tokens
from app.ui.menus.menu import SessionMenu
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.wording import menu_text, quoted


class TokenMenu(SessionMenu):
    """Menu that forks at the selected token, copies it, and goes to the same token elsewhere.

    Args:
        actions: Actions of the menu bar that concern the selected token.
        further: Actions of the view that asked for the menu.
    """

    def __init__(
        self,
        session: Session,
        window: QWidget,
        actions: Sequence[QAction],
        further: Sequence[QAction],
    ) -> None:
        super().__init__(session, window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        run, token = session.runs.current, session.selection.token
        if run and token is not None and token < len(run.tokens):
            self._offer_token(run, token, actions)
        self.addSeparator()
        self.addActions(further)

    def _offer_token(self, run: Run, token: int, actions: Sequence[QAction]) -> None:
        chosen = run.tokens[token]
        label = run.label(chosen.token_id)
        title = self.tr("{0}: token {1}, id {2}").format(
            menu_text(quoted(chosen.text or label)), f"{token + 1:,}", chosen.token_id
        )
        self.addAction(title).setEnabled(False)
        self.addSeparator()
        self.addActions(actions)
        self.addSeparator()
        first, end = self._session.selection.range or (token, token + 1)
        text = "".join(each.text for each in run.tokens[first:end])
        several = end - first > 1
        self.add(
            self.tr("Copy the text of {0} tokens").format(f"{end - first:,}")
            if several
            else self.tr("Copy the text"),
            lambda: QGuiApplication.clipboard().setText(text),
        )
        self.add(
            self.tr("Copy the token id"),
            lambda: QGuiApplication.clipboard().setText(str(chosen.token_id)),
        )
        self.add(
            self.tr("Copy all numbers as JSON"),
            lambda: copy_tokens(self._session, first, end),
        )
        self.addSeparator()
        same = [each.index for each in run.tokens if each.token_id == chosen.token_id]
        again = self.add(
            self.tr("Next {0} ({1} in all)").format(menu_text(quoted(label)), f"{len(same):,}"),
            lambda: self._session.selection.select(_after(same, token)),
        )
        again.setEnabled(len(same) > 1)


def _after(places: Sequence[int], place: int) -> int:
    """The next of ``places`` after ``place``, or the first one."""
    return next((each for each in places if each > place), places[0])
