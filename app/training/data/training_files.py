"""The files that a training writes, which are no data although they may stand among them."""

from __future__ import annotations

import json
from pathlib import Path

FORMAT = 1
"""The format of the folder of a training."""

WRITTEN = (
    "training.json",
    "trained.json",
    "verdict.json",
    "course.jsonl",
    "adapter",
    "checkpoints",
    "evaluation",
)
"""What a training writes into its folder, apart from the recipe."""


def is_training(file: Path) -> bool:
    """Whether a file is what a training writes when it begins, by its name and its beginning."""
    if file.name != "training.json":
        return False
    begins = json.dumps({"format": FORMAT}, indent=1).removesuffix("\n}")
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(len(begins)) == begins
    except (OSError, UnicodeDecodeError):
        return False
