"""Opens the evaluation dialog; imports it only then, because its chart is slow to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.ui.state.session import Session
from app.ui.widgets.dialogs import show_once

if TYPE_CHECKING:
    from app.ui.evaluate.evaluate_dialog import EvaluateDialog


def show_evaluate(session: Session, parent: QWidget) -> EvaluateDialog:
    """Show the evaluation dialog, or bring it to the front."""
    from app.ui.evaluate.evaluate_dialog import EvaluateDialog

    return show_once(
        parent, EvaluateDialog, "evaluate", lambda above: EvaluateDialog(session, above)
    )
