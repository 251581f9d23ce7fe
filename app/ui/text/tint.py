"""The diverging scale of the transcript: what a shift in log-probability looks like."""

from __future__ import annotations

from PySide6.QtGui import QColor

from app.ui.theme import Theme, blend

SATURATION = 3.0
"""A shift of so many nats, a factor of 20 in probability, has the full tint."""

_STRENGTH_LIGHT, _STRENGTH_DARK = 0.5, 0.4
"""How much of the pure colour the full tint has; text must stay readable on it."""


_MARK_SHARE = 0.15
"""How much of the background is in the colour of marks; they must stay readable as well."""


def tint(shift: float, theme: Theme) -> QColor:
    """The background of a token whose log-probability the pairs moved by ``shift`` nats.

    What is not finite, such as a token that the base held impossible, has the full tint.
    """
    share = min(abs(shift) / SATURATION, 1.0) if shift == shift else 0.0
    color = theme.more if shift > 0 else theme.less
    strength = _STRENGTH_DARK if theme.dark else _STRENGTH_LIGHT
    return blend(theme.surface, color, strength * share)


def mark_color(shift: float, theme: Theme) -> QColor:
    """The colour of marks (line breaks, bytes) on the tint of ``shift``: quieter than the text."""
    return blend(theme.text, tint(shift, theme).name(), _MARK_SHARE)
