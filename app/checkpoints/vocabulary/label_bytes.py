"""The bytes of a token from its label, and back. Imports no tokenizers: the window uses it."""

from __future__ import annotations

import re

_BYTES = re.compile("⟨((?:[0-9A-F]{2} ?)+)⟩")


def label_bytes(label: str) -> bytes:
    """The bytes of a token, from its label. In ⟨E2 82⟩ they are listed: an incomplete character."""
    inside = _BYTES.fullmatch(label)
    return bytes.fromhex(inside[1]) if inside else label.encode()


def bytes_label(spelled: bytes) -> str:
    """The label of a token, from its bytes."""
    try:
        return spelled.decode()
    except UnicodeDecodeError:
        return f"⟨{spelled.hex(' ').upper()}⟩"
