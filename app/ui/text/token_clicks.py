"""Selection of a token, of its group or of a range by a click."""

from __future__ import annotations

from PySide6.QtCore import Qt

from app.ui.state.runs.token_groups import Grouping
from app.ui.state.session import Session
from app.ui.text.token_tints import TokenTints


def choose_by_click(
    session: Session, tints: TokenTints | None, token: int, modifiers: Qt.KeyboardModifier
) -> None:
    """Select a clicked token or its group; with Shift, the range up to it.

    Args:
        session: The state of the window.
        tints: The groups of the tokens; None if every token is its own.
        token: The token.
        modifiers: The keys that are held.
    """
    selection = session.selection
    if modifiers & Qt.KeyboardModifier.ShiftModifier:
        selection.extend_to(token)
    elif session.display.grouping is Grouping.TOKEN or tints is None:
        selection.select_range(None)
        selection.select(token)
    else:
        first, end = tints.range_of(token)
        selection.select(first)
        selection.select_range((first, end))
