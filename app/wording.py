"""Formatting of numbers and tokens, the same in all views and reports."""

from __future__ import annotations

MARKS = {"\n": "↵", "\r": "␍", "\t": "⇥"}
"""Visible marks of whitespace, the same everywhere. Spaces are shown by quotation marks."""


def decimals(value: float, digits: int, *, sign: bool = False) -> str:
    """A number with fixed decimals, using the minus sign U+2212; ∞ for infinity.

    A number that is too small for them is written as a bound, such as ``<0.001`` or ``>−0.001``, so
    that only 0 reads as 0.
    """
    plus = "+" if sign else ""
    least = 10.0**-digits
    if 0 < abs(value) < least:
        text = f"<{least:{plus}.{digits}f}" if value > 0 else f">{-least:.{digits}f}"
    else:
        text = f"{value + 0.0:{plus}.{digits}f}"  # + 0.0: not −0
    return text.replace("-", "−").replace("inf", "∞")


def probability(value: float) -> str:
    """A probability with about three digits; values below 0.001 are written as ``<0.001``."""
    return decimals(value, 3 if value < 0.0995 else 2)


def signed(value: float) -> str:
    """A difference of probabilities with its sign, as :func:`decimals` writes it; ``0`` for 0."""
    if value == 0:
        return "0"
    return decimals(value, 3 if abs(value) < 0.0995 else 2, sign=True)


def visible(text: str) -> str:
    """``text`` with visible marks for line breaks and tabs."""
    return "".join(MARKS.get(character, character) for character in text)


def factor(alpha: float, form: str = ".2f") -> str:
    """An α in the format ``form``, using the minus sign U+2212."""
    return format(alpha, form).replace("-", "−")


def quoted(text: str) -> str:
    """A token in quotation marks, so that its leading and trailing spaces are visible."""
    return f"“{visible(text)}”"


def size(count: int) -> str:
    """A number of bytes with about three digits, such as ``41 MB`` and ``23.1 GB``."""
    if count < 999_500_000:
        return f"{count / 1e6:,.1f} MB" if count < 9_950_000 else f"{count / 1e6:,.0f} MB"
    return f"{count / 1e9:,.1f} GB"


def duration(seconds: float) -> str:
    """A remaining time, such as ``4 s`` and ``12 min``; at least one second."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def menu_text(text: str) -> str:
    """``text`` for a menu or a button, with & escaped: Qt reads it as a shortcut."""
    return text.replace("&", "&&")
