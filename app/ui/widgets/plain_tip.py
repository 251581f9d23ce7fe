"""Tool tips of texts that somebody else wrote."""

from __future__ import annotations

import html


def plain_tip(text: str) -> str:
    """A tool tip that shows ``text`` as it is: Qt would take what looks like markup for it."""
    if "<" not in text and "&" not in text:
        return text
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return f"<qt>{escaped}</qt>"
