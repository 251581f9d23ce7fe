"""Visible form of exact text: marks for line breaks, tabs and invisible characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from app.wording import MARKS

_JOINERS = "\u200c\u200d"
"""Joiners shape their neighbours (emoji, Persian, Indic), so they are marked only when alone."""
_HIDDEN_CATEGORIES = {"Cf", "Zl", "Zp"}
_RESERVED = "\ufffc\ufdd0\ufdd1"
"""Characters with a special meaning in Qt's documents."""


def show(text: str) -> Iterator[tuple[str, str]]:
    """Split ``text`` into (shown, exact): marks for line breaks, tabs and invisible characters."""
    if text.isascii() and text.isprintable():  # most tokens: nothing in them has a mark
        if text:
            yield text, text
        return
    plain = ""
    for character in text:
        mark = _mark(character, alone=len(text) == 1)
        if mark is None:
            plain += character
            continue
        if plain:
            yield plain, plain
            plain = ""
        yield mark, character
    if plain:
        yield plain, plain


def _mark(character: str, *, alone: bool) -> str | None:
    if character in "\n\t":
        return MARKS[character] + character
    if character in _JOINERS and not alone:
        return None
    code, category = ord(character), unicodedata.category(character)
    if category in _HIDDEN_CATEGORIES or character in _RESERVED:
        return f"⟨{code:04X}⟩"
    if category == "Cc":
        return chr(0x2400 + code) if code < 0x20 else f"⟨{code:02X}⟩"
    return None
