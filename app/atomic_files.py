"""Atomic writing of files, and setting damaged files aside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

_LONGEST_NAME = 40


def write_file(path: Path, content: str | bytes | Iterable[bytes]) -> None:
    """Write a file atomically: afterwards it has either all of ``content`` or its old content.

    A full disk, a killed program and a power failure leave the old content. Targets that cannot be
    replaced, such as devices and pipes, are written to directly.

    Args:
        path: The file; a link to a file keeps being a link.
        content: What it is to hold; text is written as UTF-8. Pieces are written one by one, and an
            error while they are made leaves the old content, too.

    Raises:
        OSError: When it cannot be written; nothing is left beside it.
    """
    pieces = _pieces(content)
    before = path.stat().st_mode if path.exists() else None
    if before is not None and not stat.S_ISREG(before):
        with path.open("wb") as file:  # of a folder, this says what is wrong
            file.writelines(pieces)
        return
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name[:_LONGEST_NAME]}.{token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            part.chmod(stat.S_IMODE(before))
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _pieces(content: str | bytes | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, str):
        return (content.encode("utf-8"),)
    return (content,) if isinstance(content, bytes) else content


def set_aside(path: Path, companions: Sequence[str] = ()) -> Path:
    """Rename a damaged file so that another can take its place; returns where it is kept.

    Args:
        path: The file.
        companions: Endings of files beside it that belong to it, such as ``-wal``.

    Raises:
        OSError: When it cannot be renamed.
    """
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.stem}.damaged-{moment}{path.suffix}")
    for ending in ("", *companions):
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").replace(f"{aside}{ending}")
    return aside
