"""Opens the map of α; imports it only then, because its plot is slow to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.ui.state.session import Session
from app.ui.what_if.what_if_bar import WhatIfBar
from app.ui.widgets.dialogs import show_once

if TYPE_CHECKING:
    from app.ui.alpha_map.alpha_map_dialog import AlphaMapDialog


def show_alpha_map(session: Session, parent: QWidget, what_if: WhatIfBar) -> AlphaMapDialog:
    """Show the map of α of the shown run, or bring it to the front.

    Args:
        what_if: The bar that answers what-if questions of the map.
    """
    from app.ui.alpha_map.alpha_map_dialog import AlphaMapDialog

    def make(above: QWidget) -> AlphaMapDialog:
        dialog = AlphaMapDialog(session, above)
        dialog.what_if_wanted.connect(what_if.try_alphas)
        return dialog

    return show_once(parent, AlphaMapDialog, "alpha map", make)
