"""The colours of the parts of the memory estimate."""

from __future__ import annotations

from PySide6.QtGui import QColor

from app.checkpoints.report import MemoryPart
from app.checkpoints.spec import Recipe
from app.ui.theme import Theme, blend

_LIGHTER = {"antiexpert": 0.4, "cache": 0.45, "work": 0.7}


def part_color(part: MemoryPart, recipe: Recipe, theme: Theme) -> QColor:
    """The colour of a part: weights in the colour of their pair, paler for the anti-expert."""
    if part.kind != "weights":
        return blend(theme.muted, theme.surface, _LIGHTER.get(part.kind, _LIGHTER["work"]))
    place = _role_place(part.label, recipe)
    if place == 0:
        return QColor(theme.muted)
    pair, antiexpert = divmod(place - 1, 2)
    color = theme.pair_color(pair)
    return blend(color.name(), theme.surface, _LIGHTER["antiexpert"]) if antiexpert else color


def _role_place(label: str, recipe: Recipe) -> int:
    """The place of the role that a label begins with; the base where it names none."""
    names = [name for name, _ in recipe.roles()]
    return next((place for place, name in enumerate(names) if label.startswith(name)), 0)
