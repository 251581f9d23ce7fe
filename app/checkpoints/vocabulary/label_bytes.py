"""The bytes of a token, from its label. Imports no tokenizers: the API server uses it."""

from __future__ import annotations

import re

_BYTES = re.compile("⟨((?:[0-9A-F]{2} ?)+)⟩")


def label_bytes(label: str) -> bytes:
    """The bytes of a token, from its label. In ⟨E2 82⟩ they are listed: an incomplete character."""
    inside = _BYTES.fullmatch(label)
    return bytes.fromhex(inside[1]) if inside else label.encode()
