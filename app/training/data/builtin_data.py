"""Training data that ship with the program, as ``builtin:NAME``."""

from __future__ import annotations

from pathlib import Path

from app.errors import TrainingError
from app.resources import resource


def data_path(text: str) -> Path:
    """The file or folder of an argument; ``builtin:NAME`` is data that ship with the program.

    Raises:
        TrainingError: No such data ship with it.
    """
    kind, separator, name = text.partition(":")
    if not separator or kind != "builtin":
        return Path(text).expanduser()
    known = {path.stem: path for path in sorted(resource("training").glob("*.jsonl"))}
    if name not in known:
        raise TrainingError(
            f"There are no built-in data “{name}”", next_step=f"There are: {', '.join(known)}."
        )
    return known[name]
