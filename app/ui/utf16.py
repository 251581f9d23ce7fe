"""Text lengths in UTF-16 code units, which Qt uses."""

from __future__ import annotations


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
