"""What the roles of a recipe are called in the language of the window.

Below the window they have the English names of ``Recipe.roles``.
"""

from __future__ import annotations

from app.checkpoints.spec import Recipe
from app.ui.translation import translate


def role_titles(recipe: Recipe) -> list[str]:
    """What each role is called, in the order of ``Recipe.roles``."""
    titles = [translate("Roles", "base")]
    for pair in recipe.pairs:
        titles.append(translate("Roles", "expert “{0}”").format(pair.name))
        titles.append(translate("Roles", "anti-expert “{0}”").format(pair.name))
    return titles


def role_title(name: str, recipe: Recipe) -> str:
    """What the role is called that has ``name`` below the window; ``name`` where none has."""
    names = [each for each, _ in recipe.roles()]
    return role_titles(recipe)[names.index(name)] if name in names else name
