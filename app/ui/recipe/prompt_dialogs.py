"""Opens the options dialog and the prompt preview of a role, and links each to the other."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.recipe.prompt_preview import PromptPreview
from app.ui.recipe.role_options import RoleOptions
from app.ui.state.session import Session
from app.ui.widgets.dialogs import show_once


def show_preview(session: Session, parent: QWidget, place: int = 0) -> PromptPreview:
    """Show the prompt of the role at ``place`` in the window's one prompt preview."""

    def make(window: QWidget) -> PromptPreview:
        preview = PromptPreview(session, window)
        preview.options_wanted.connect(lambda wanted: show_role_options(session, wanted, preview))
        return preview

    preview = show_once(parent, PromptPreview, "preview", make)
    preview.show_place(place)
    return preview


def show_role_options(session: Session, place: int, parent: QWidget) -> RoleOptions:
    """Show the options dialog of a role; each role has at most one."""

    def make(window: QWidget) -> RoleOptions:
        options = RoleOptions(session, place, window)
        options.preview_wanted.connect(lambda: show_preview(session, options, place))
        return options

    return show_once(parent, RoleOptions, f"options {place}", make)
