"""The style sheet of the HTML report, in light and dark colours."""

from __future__ import annotations

import math

from app.colors import DARK, FULL_SHIFT_BITS, LIGHT, Colors
from app.resources import resource

TINT_LEVELS = 16


def style_sheet() -> str:
    """The style sheet, with light and dark colours; the browser chooses by the system setting."""
    dark = "\n".join(f"  {line}" for line in _rules(DARK))
    light = "\n".join(_rules(LIGHT))
    rest = resource("report", "report.css").read_text(encoding="utf-8")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{rest}"


def tint_class(shift: float) -> str:
    """The CSS class of a token with a shift of ``shift`` bits; empty if it is not tinted."""
    if math.isnan(shift):
        return ""
    level = round(min(abs(shift) / FULL_SHIFT_BITS, 1.0) * TINT_LEVELS)
    return f"{'up' if shift > 0 else 'down'}{level}" if level else ""


def paint_class(what: str, name: str) -> str:
    """The attribute that colours a part of the plot, for :mod:`app.history.export.shift_svg`."""
    pair = name.removeprefix("pair")
    shown = f"pair{int(pair) % len(LIGHT.pairs)}" if pair.isdigit() else name
    return f'class="{what}-{shown}"'


def _rules(colors: Colors) -> list[str]:
    named = ("window", "surface", "border", "hover", "text", "muted", "accent", "selection")
    variables = "; ".join(f"--{name}: {getattr(colors, name)}" for name in named)
    rules = [f":root {{ {variables}; }}"]
    for direction, color in (("up", colors.more), ("down", colors.less)):
        for level in range(1, TINT_LEVELS + 1):
            share = colors.tint_strength * level / TINT_LEVELS
            rules.append(
                f".{direction}{level} {{ background: {_mixed(colors.surface, color, share)}; }}"
            )
    for name in ("border", "muted", "text", "more", "danger"):
        color = getattr(colors, name)
        rules.append(f".fill-{name} {{ fill: {color}; }} .stroke-{name} {{ stroke: {color}; }}")
    for pair, color in enumerate(colors.pairs):
        rules.append(f".fill-pair{pair} {{ fill: {color}; }}")
        rules.append(f".background-pair{pair} {{ background: {color}; }}")
    return rules


def _mixed(background: str, color: str, share: float) -> str:
    parts = ((int(background[i : i + 2], 16), int(color[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(b + (c - b) * share):02x}" for b, c in parts)
