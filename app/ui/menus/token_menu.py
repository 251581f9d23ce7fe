"""Menu of the selected token, opened by a right click or the menu key in text and plot."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.ui.menus.menu import SessionMenu
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.wording import menu_text, quoted


class TokenMenu(SessionMenu):
    """Menu with the name of the selected token and the actions of the Token menu.

    Args:
        actions: The actions of the Token menu.
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
