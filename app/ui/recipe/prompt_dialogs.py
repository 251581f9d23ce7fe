"""Opens the dialogs of prompts: formats, options of a role, preview; links each to the others."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.recipe.prompt_format_dialog import PromptFormatDialog
from app.ui.recipe.prompt_preview import PromptPreview
from app.ui.recipe.role_options import RoleOptions
from app.ui.state.session import Session
from app.ui.widgets.dialogs import show_once


def show_preview(session: Session, parent: QWidget, place: int = 0) -> PromptPreview:
    """Show the prompt of the role at ``place`` in the window's one prompt preview."""

    def make(window: QWidget) -> PromptPreview:
        preview = PromptPreview(session, window)
        preview.formats_wanted.connect(lambda: show_prompt_format(session, preview))
        return preview

    preview = show_once(parent, PromptPreview, "preview", make)
    preview.show_place(place)
    return preview


def show_prompt_format(session: Session, parent: QWidget) -> PromptFormatDialog:
    """Show the window's one dialog of the recipe's prompt format."""

    def make(window: QWidget) -> PromptFormatDialog:
        dialog = PromptFormatDialog(session, window)
        dialog.preview_wanted.connect(lambda: show_preview(session, dialog))
        dialog.options_wanted.connect(lambda place: show_role_options(session, place, dialog))
        return dialog

    return show_once(parent, PromptFormatDialog, "prompt format", make)


def show_role_options(session: Session, place: int, parent: QWidget) -> RoleOptions:
    """Show the options dialog of a role; each role has at most one."""

    def make(window: QWidget) -> RoleOptions:
        options = RoleOptions(session, place, window)
        options.preview_wanted.connect(lambda: show_preview(session, options, place))
        return options

    return show_once(parent, RoleOptions, f"options {place}", make)
