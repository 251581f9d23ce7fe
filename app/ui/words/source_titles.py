"""Display names of checkpoint sources."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from app.checkpoints.endpoint_address import is_endpoint
from app.checkpoints.source_names import is_builtin, last_part, place_of, titled
from app.ui.translation import translate


def titles_of(sources: list[str]) -> list[str]:
    """The display name of each source: its last part, with the folder above if it is ambiguous."""
    last = [last_part(source) for source in sources]
    often = Counter(last)
    return [
        titled(source, name)
        if often[name] == 1 or is_endpoint(source)
        else titled(source, "/".join(PurePath(place_of(source)).parts[-2:]))
        for source, name in zip(sources, last, strict=True)
    ]


def describe_source(source: str) -> str:
    """The path, address or Hub id of a source; a built-in checkpoint has its title instead."""
    if is_builtin(source):
        title = titled(source, last_part(source))
        return translate("SourceTitles", "{0}, shipped with Tuneshift").format(title)
    return place_of(source)
