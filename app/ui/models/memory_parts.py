"""Titles and colours of the parts of the memory estimate."""

from __future__ import annotations

from PySide6.QtGui import QColor

from app.checkpoints.preflight_report import MemoryPart
from app.checkpoints.spec import Recipe
from app.ui.theme import Theme, blend
from app.ui.translation import translate
from app.ui.words.role_words import role_titles

_AND, _ADAPTER = " and ", ": adapter"
"""Separator and ending in the labels of parts, which are made of role names."""

_LIGHTER = {"antiexpert": 0.4, "cache": 0.45, "work": 0.7}


def part_color(part: MemoryPart, recipe: Recipe, theme: Theme) -> QColor:
    """The colour of a part; weights have the colour of their pair, paler for an anti-expert."""
    if part.kind != "weights":
        return blend(theme.muted, theme.surface, _LIGHTER.get(part.kind, _LIGHTER["work"]))
    place = _role_place(part.label, recipe)
    if place == 0:
        return QColor(theme.muted)
    pair, antiexpert = divmod(place - 1, 2)
    color = theme.pair_color(pair)
    return blend(color.name(), theme.surface, _LIGHTER["antiexpert"]) if antiexpert else color


def part_title(part: MemoryPart, recipe: Recipe) -> str:
    """The translated title of a part; weights are named by the roles that share them."""
    if part.kind != "weights":
        return {
            "KV cache": translate("MemoryParts", "KV cache"),
            "logits and work": translate("MemoryParts", "logits and work"),
            "logits kept for inspection": translate("MemoryParts", "logits kept for inspection"),
            "CUDA graphs": translate("MemoryParts", "CUDA graphs"),
            "pinned memory of CUDA graphs": translate(
                "MemoryParts", "pinned memory of CUDA graphs"
            ),
            "buffers of llama.cpp": translate("MemoryParts", "buffers of llama.cpp"),
            "libraries": translate("MemoryParts", "libraries"),
        }.get(part.label, part.label)
    sharing, rest = [], part.label.removesuffix(_ADAPTER)
    for (name, _), title in zip(recipe.roles(), role_titles(recipe), strict=True):
        if rest == name or rest.startswith(name + _AND):
            sharing.append(title)
            rest = rest.removeprefix(name).removeprefix(_AND)
    if not sharing or rest:
        return part.label
    title = sharing[0]
    for another in sharing[1:]:
        title = translate("MemoryParts", "{0} and {1}").format(title, another)
    if part.label.endswith(_ADAPTER):
        title = translate("MemoryParts", "{0}: adapter").format(title)
    return title


def _role_place(label: str, recipe: Recipe) -> int:
    """The index of the role that a label begins with; the base if it names no role."""
    names = [name for name, _ in recipe.roles()]
    return next((place for place, name in enumerate(names) if label.startswith(name)), 0)
