"""Translated names of the roles of a recipe.

Outside of app/ui, roles have the English names of ``Recipe.roles``.
"""

from __future__ import annotations

from app.checkpoints.spec import Recipe
from app.ui.translation import translate


def role_titles(recipe: Recipe) -> list[str]:
    """Translated names of all roles, in the order of ``Recipe.roles``."""
    titles = [translate("Roles", "base")]
    for pair in recipe.pairs:
        titles.append(translate("Roles", "expert “{0}”").format(pair.name))
        titles.append(translate("Roles", "anti-expert “{0}”").format(pair.name))
    return titles


def role_title(name: str, recipe: Recipe) -> str:
    """Translated name of the role called ``name`` in ``Recipe.roles``, or ``name`` itself."""
    names = [each for each, _ in recipe.roles()]
    return role_titles(recipe)[names.index(name)] if name in names else name
