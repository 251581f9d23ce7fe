"""Whether the window continues single texts or has a conversation, for each recipe."""

from __future__ import annotations

import json
from contextlib import suppress

from PySide6.QtCore import QObject, QSettings, Signal

from app.checkpoints.spec import CHAT, Recipe
from app.ui.state.models.recipe_state import RecipeState
from app.ui.state.runs.chat import Chat
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs

_KEY = "writing mode"
_MOST = 200
"""Number of recipes whose mode is remembered."""


class WritingMode(QObject):
    """The mode of the window: ``chat``, or else text. The shown run belongs to the mode.

    Showing a run of the other mode changes the mode. A recipe has the mode that was chosen for its
    models; without a choice, it is chat if one of the roles has a chat template.
    """

    changed = Signal()
    """``chat`` changed."""

    def __init__(self, recipes: RecipeState, runs: Runs, chat: Chat, parent: QObject) -> None:
        super().__init__(parent)
        self._recipes = recipes
        self._runs = runs
        self._talk = chat
        self._text: Run | None = None
        self._chosen: dict[str, bool] = {}
        self._usual = _usual(recipes.recipe)
        self.chat = self._usual
        runs.run_changed.connect(self._follow_shown)
        recipes.recipe_changed.connect(self._on_recipe)

    def choose(self, chat: bool) -> None:
        """Choose the mode, also for the next time that the recipe is open."""
        key = _models_of(self._recipes.recipe)
        self._chosen.pop(key, None)
        self._chosen[key] = chat
        self._switch(chat)

    def _switch(self, chat: bool) -> None:
        """Show the run that was shown last in this mode."""
        if chat == self.chat:
            return
        self.chat = chat
        text = self._text if self._text in self._runs.all else None
        self._runs.show(self._talk.tip if chat else text)
        self.changed.emit()

    def _follow_shown(self) -> None:
        shown = self._runs.current
        if shown is None:
            return
        if not shown.chat:
            self._text = shown
        if bool(shown.chat) != self.chat:
            self.chat = not self.chat
            self.changed.emit()

    def _on_recipe(self) -> None:
        recipe = self._recipes.recipe
        before, self._usual = self._usual, _usual(recipe)
        chosen = self._chosen.get(_models_of(recipe))
        if chosen is not None:
            self._switch(chosen)
        elif self._usual != before:
            self._switch(self._usual)

    def restore(self, store: QSettings) -> None:
        """Load the saved choices; anything damaged is ignored."""
        with suppress(ValueError):
            found = json.loads(str(store.value(_KEY, "{}")))
            if isinstance(found, dict):
                self._chosen = {str(key): value is True for key, value in found.items()}
        self._switch(self._chosen.get(_models_of(self._recipes.recipe), self.chat))

    def remember(self, store: QSettings) -> None:
        """Save the choices for :meth:`restore`."""
        latest = list(self._chosen.items())[-_MOST:]
        store.setValue(_KEY, json.dumps(dict(latest)))


def _usual(recipe: Recipe) -> bool:
    return any(spec.prompt == CHAT for spec in recipe.checkpoints())


def _models_of(recipe: Recipe) -> str:
    """The models of a recipe, which know it when it has another name."""
    return " ".join(spec.source for spec in recipe.checkpoints())
