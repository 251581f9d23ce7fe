"""Tool tips of arbitrary text."""

from __future__ import annotations

import html


def plain_tip(text: str) -> str:
    """Escape ``text`` for a tool tip, where Qt would interpret markup."""
    if "<" not in text and "&" not in text:
        return text
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return f"<qt>{escaped}</qt>"
