"""The style sheet of the HTML report, in light and dark colours."""

from __future__ import annotations

from app.colors import DARK, LIGHT, Colors
from app.history.export.token_tint import TINT_LEVELS, TokenTint
from app.resources import resource


def style_sheet(tint: TokenTint) -> str:
    """The style sheet, with light and dark colours; the browser chooses by the system setting.

    Args:
        tint: The tint of the text.
    """
    dark = "\n".join(f"  {line}" for line in _rules(DARK, tint))
    light = "\n".join(_rules(LIGHT, tint))
    rest = resource("report", "report.css").read_text(encoding="utf-8")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{rest}"


def paint_class(what: str, name: str) -> str:
    """The attribute that colours a part of the plot, for :mod:`app.history.export.shift_svg`."""
    pair = name.removeprefix("pair")
    shown = f"pair{int(pair) % len(LIGHT.pairs)}" if pair.isdigit() else name
    return f'class="{what}-{shown}"'


def _rules(colors: Colors, tint: TokenTint) -> list[str]:
    named = ("window", "surface", "border", "hover", "text", "muted", "accent", "selection")
    variables = "; ".join(f"--{name}: {getattr(colors, name)}" for name in named)
    rules = [f":root {{ {variables}; }}"]
    for direction, color in (("up", tint.more(colors)), ("down", tint.less(colors))):
        for level in range(1, TINT_LEVELS + 1):
            share = colors.tint_strength * level / TINT_LEVELS
            rules.append(
                f".{direction}{level} {{ background: {_mixed(colors.surface, color, share)}; }}"
            )
    for place, color in enumerate(colors.ranks):
        rules.append(f".rank{place} {{ background: {color}; }}")
    for name in ("border", "muted", "text", "more", "less", "danger", "heat"):
        color = getattr(colors, name)
        rules.append(f".fill-{name} {{ fill: {color}; }} .stroke-{name} {{ stroke: {color}; }}")
    for pair, color in enumerate(colors.pairs):
        rules.append(f".fill-pair{pair} {{ fill: {color}; }}")
        rules.append(f".background-pair{pair} {{ background: {color}; }}")
    return rules


def _mixed(background: str, color: str, share: float) -> str:
    parts = ((int(background[i : i + 2], 16), int(color[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(b + (c - b) * share):02x}" for b, c in parts)
