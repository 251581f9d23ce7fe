"""The parts of a split GGUF file, such as ``model-00001-of-00003.gguf``.

The first part has the metadata, and tensors may be in any of them. llama.cpp finds the others by
their names, as they are found here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from app.checkpoints.formats.gguf_header import Contents, read_contents
from app.checkpoints.formats.gguf_metadata import UnusableError

_PART = re.compile(r"-(\d{5})-of-(\d{5})(?=\.gguf$)", re.IGNORECASE)
_NUMBER, _COUNT, _TENSORS = "split.no", "split.count", "split.tensors.count"
_ALL_IN_ONE_FOLDER = "Copy or download all parts into one folder."


def is_later_part(path: Path) -> bool:
    """Whether a file is a part of a split file, and not the first, by its name."""
    found = _PART.search(path.name)
    return found is not None and int(found[1]) != 1


def name_without_part(name: str) -> str:
    """The name of a file without the number of its part."""
    return _PART.sub("", name)


def parts_of(path: Path) -> tuple[Path, ...]:
    """All parts of the file at ``path`` in order, by its name; ``path`` alone if it is whole.

    Parts that are missing are among them.
    """
    found = _PART.search(path.name)
    if found is None or int(found[1]) != 1:
        return (path,)
    return tuple(
        path.with_name(_PART.sub(f"-{number:05}-of-{found[2]}", path.name))
        for number in range(1, int(found[2]) + 1)
    )


def state_of(path: Path) -> str:
    """Sizes and times of a file and its other parts, which differ once a part has changed.

    Raises:
        OSError: There is no such file.
    """
    states = [path.stat(), *(part.stat() for part in parts_of(path)[1:] if part.exists())]
    return " ".join(f"{state.st_size} {state.st_mtime_ns}" for state in states)


def read_parts(path: Path, *, everything: bool = False) -> Contents:
    """Read the headers of the file at ``path`` and of its other parts.

    Args:
        path: The file, or the first part of a split file.
        everything: Whether to read the vocabulary too, which takes longer.

    Raises:
        UnusableError: A file is intact but not supported, or a part is missing.
        OSError, ValueError, struct.error: A file is damaged.
    """
    first = read_contents(path, everything=everything)
    count = first.metadata.whole(_COUNT, 0, least=0)
    if count <= 1:
        return first
    number = first.metadata.whole(_NUMBER, 0, least=0) + 1
    if number != 1:
        begin = _PART.sub(lambda found: f"-00001-of-{found[2]}", path.name)
        raise UnusableError(f"it is part {number} of {count}", f"Choose the first part, {begin}.")
    paths = parts_of(path)
    if len(paths) != count:
        raise UnusableError(
            f"it is the first of {count} parts, and its name does not end in -00001-of-{count:05}",
            "Give the parts the names that they had.",
        )
    missing = [part.name for part in paths if not part.is_file()]
    if missing:
        raise UnusableError(
            f"of its {count} parts, {len(missing)} are missing, such as {missing[0]}",
            _ALL_IN_ONE_FOLDER,
        )
    return _joined(
        first, [_read_part(part, place, count) for place, part in enumerate(paths[1:], 1)]
    )


def _read_part(path: Path, number: int, count: int) -> Contents:
    try:
        contents = read_contents(path)
    except (UnusableError, ValueError) as error:
        raise ValueError(f"its part {path.name}: {error}") from None
    metadata = contents.metadata
    if (metadata.whole(_NUMBER, 0, 0), metadata.whole(_COUNT, 0, 0)) != (number, count):
        raise ValueError(f"its part {path.name} is a part of another file")
    return contents


def _joined(first: Contents, others: list[Contents]) -> Contents:
    """The header of the whole file."""
    tensors = dict(first.tensors)
    for contents in others:
        twice = tensors.keys() & contents.tensors.keys()
        if twice:
            raise ValueError(f"its part {contents.path.name} has “{min(twice)[:80]}” once more")
        tensors |= contents.tensors
    expected = first.metadata.whole(_TENSORS, len(tensors), least=0)
    if expected != len(tensors):
        raise ValueError(f"its parts have {len(tensors):,} of {expected:,} tensors")
    paths = (first.path, *(contents.path for contents in others))
    return replace(first, tensors=tensors, paths=paths)
