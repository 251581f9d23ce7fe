"""The model from which another was tuned, as its model card or its GGUF file says."""

from __future__ import annotations

import re
from pathlib import Path

from app.checkpoints.formats.gguf_metadata import Metadata

_CARD = "README.md"
_START = 8192
_BASE_MODEL = re.compile(
    r"""^base_model:[ \t]*(?:\n[ \t]*-[ \t]*)?["']?([\w.-]+(?:/[\w.-]+)*)["']?[ \t]*$""",
    re.MULTILINE,
)
_GGUF_KEYS = ("general.base_model.0.repo_url", "general.base_model.0.name")


def origin_in_card(folder: Path) -> str:
    """The ``base_model`` in the front matter of a model card; empty if it names none."""
    try:
        with (folder / _CARD).open(encoding="utf-8", errors="replace") as file:
            text = file.read(_START)
    except OSError:
        return ""
    if not text.startswith("---"):
        return ""
    named = _BASE_MODEL.search(text[3:].partition("\n---")[0])
    return _last_part(named[1]) if named else ""


def origin_in_gguf(metadata: Metadata) -> str:
    """The model that a GGUF file names as the origin of its own; empty if it names none."""
    values = (metadata.values.get(key) for key in _GGUF_KEYS)
    named = next((value for value in values if isinstance(value, str) and value), "")
    return _last_part(named).replace(" ", "-")


def _last_part(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]
