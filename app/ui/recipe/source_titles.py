"""Display names of checkpoint sources."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from app.checkpoints.endpoint_address import address_of, is_endpoint
from app.ui.translation import translate


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


def is_builtin(source: str) -> bool:
    """Whether a source is a checkpoint that ships with the program."""
    return source.startswith("builtin:")


def describe_source(source: str) -> str:
    """The path, address or Hub id of a source; a built-in checkpoint has its title instead."""
    if is_builtin(source):
        title = _title(source, _last_part(source))
        return translate("SourceTitles", "{0}, shipped with Tuneshift").format(title)
    return place_of(source)


def place_of(source: str) -> str:
    """The path or the id in a source, without its prefixes."""
    kind, _, place = source.partition(":")
    return place_of(place) if kind == "adapter" and place.startswith("hub:") else place


def _last_part(source: str) -> str:
    if is_endpoint(source):
        return address_of(source).host
    return place_of(source).rstrip("/").rsplit("/", 1)[-1]


def _title(source: str, name: str) -> str:
    if is_builtin(source):
        return name.replace("_", " ").capitalize() if "/" not in name else name
    if source.startswith("gguf:"):
        return name.removesuffix(".gguf") + " (GGUF)"
    if source.startswith("adapter:"):
        return name + " (LoRA)"
    return name
