"""Opens the options of a role and the preview of its prompt; each of the two leads to the other."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.recipe.prompt_preview import PromptPreview
from app.ui.recipe.role_options import RoleOptions
from app.ui.state.session import Session
from app.ui.widgets.dialogs import show_once


def show_preview(session: Session, parent: QWidget, place: int = 0) -> PromptPreview:
    """Show the preview, with the role at ``place`` in front; it is open once at most."""

    def make(window: QWidget) -> PromptPreview:
        preview = PromptPreview(session, window)
        preview.options_wanted.connect(lambda wanted: show_role_options(session, wanted, preview))
        return preview

    preview = show_once(parent, PromptPreview, "preview", make)
    preview.show_place(place)
    return preview


def show_role_options(session: Session, place: int, parent: QWidget) -> RoleOptions:
    """Show the options of a role; those of each role are open once at most."""

    def make(window: QWidget) -> RoleOptions:
        options = RoleOptions(session, place, window)
        options.preview_wanted.connect(lambda: show_preview(session, options, place))
        return options

    return show_once(parent, RoleOptions, f"options {place}", make)
