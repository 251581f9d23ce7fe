"""The kind of each test: what it needs of the machine, as exactly one mark of ``KINDS``.

A module says its kind by ``pytestmark`` and a test by a mark of its own. Where a whole folder is of
one kind, ``FOLDERS`` says so, and a mark of a module or a test in it comes before that.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
KINDS = ("unit", "window", "server", "process", "kill", "soak", "real")
FOLDERS = {
    "architectures": "unit",
    "attribution": "unit",
    "benchmark": "unit",
    "checkpoints": "unit",
    "checkpoints/endpoints": "server",
    "checkpoints/hub": "server",
    "cli": "unit",
    "decoding": "unit",
    "engine": "unit",
    "evaluation": "unit",
    "gpu": "unit",
    "history": "unit",
    "inside_vllm": "unit",
    "real": "real",
    "reliability": "process",
    "server": "server",
    "training": "unit",
    "ui": "window",
}
"""The kind of the tests in a folder, and in the folders in it that are not named themselves."""


def mark_kinds(items: Iterable[pytest.Item]) -> None:
    """Mark each test that has no kind of its own with that of its folder.

    Raises:
        pytest.UsageError: A test has no kind, or several.
    """
    for item in items:
        own = {mark.name for mark in item.iter_markers() if mark.name in KINDS}
        if not own and (kind := _kind_of_folder(item.path)):
            item.add_marker(kind)
        elif len(own) != 1:
            said = " and ".join(sorted(own)) or "none"
            raise pytest.UsageError(
                f"{item.nodeid} needs exactly one kind of {', '.join(KINDS)}; it has {said}"
            )


def _kind_of_folder(path: Path) -> str | None:
    for folder in path.relative_to(ROOT).parents:
        if kind := FOLDERS.get(folder.as_posix()):
            return kind
    return None
