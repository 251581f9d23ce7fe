"""The line of the recipe panel that says the prompt format and opens its dialog."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.ui.recipe.prompt_dialogs import show_prompt_format
from app.ui.recipe.prompt_fields import format_title
from app.ui.state.session import Session


class PromptFormatLine(QPushButton):
    """Names the prompt format of the recipe and how many roles have their own."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setProperty("role", "link")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda: show_prompt_format(session, self))
        session.recipe_changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        recipe = self._session.recipe
        own = sum(not recipe.follows(spec) for spec in recipe.checkpoints())
        text = self.tr("Prompt format: {0}").format(format_title(recipe.prompt_format))
        exceptions = ""
        if own:
            exceptions = (
                self.tr("1 role has its own")
                if own == 1
                else self.tr("{0} roles have their own").format(own)
            )
        self.setText(self.tr("Prompt: {0}").format(format_title(recipe.prompt_format)))
        if own:
            self.setText(f"{self.text()} (+{own})")
        about = ". ".join(part for part in (text, exceptions) if part)
        self.setAccessibleName(about)
        self.setToolTip("\n".join(part for part in (text, exceptions, recipe.system) if part))
