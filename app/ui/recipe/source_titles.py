"""Display names of checkpoint sources."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from app.checkpoints.endpoint_address import address_of, is_endpoint


def titles_of(sources: list[str]) -> list[str]:
    """The display name of each source: its last part, with the folder above if it is ambiguous."""
    last = [_last_part(source) for source in sources]
    often = Counter(last)
    return [
        _title(source, name)
        if often[name] == 1 or is_endpoint(source)
        else _title(source, "/".join(PurePath(place_of(source)).parts[-2:]))
        for source, name in zip(sources, last, strict=True)
    ]


def place_of(source: str) -> str:
    """The path or the id in a source, without its prefixes."""
    kind, _, place = source.partition(":")
    return place_of(place) if kind == "adapter" and place.startswith("hub:") else place


def _last_part(source: str) -> str:
    if is_endpoint(source):
        return address_of(source).host
    return place_of(source).rstrip("/").rsplit("/", 1)[-1]


def _title(source: str, name: str) -> str:
    if source.startswith("builtin:"):
        return name.replace("_", " ").capitalize() if "/" not in name else name
    if source.startswith("gguf:"):
        return name.removesuffix(".gguf") + " (GGUF)"
    if source.startswith("adapter:"):
        return name + " (LoRA)"
    return name
