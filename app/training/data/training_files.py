"""The files that a training writes, which are no data although they may stand among them."""

from __future__ import annotations

import json
from pathlib import Path

FORMAT = 1
"""The format of the folder of a training."""

TRAINING, TRAINED, VERDICT = "training.json", "trained.json", "verdict.json"
COURSE, PUT_OFF, LOG = "course.jsonl", "put-off", "process.log"
ADAPTER, CHECKPOINTS, EVALUATION = "adapter", "checkpoints", "evaluation"
RECIPE = "recipe.toml"

WRITTEN = (
    TRAINING,
    TRAINED,
    VERDICT,
    COURSE,
    PUT_OFF,
    LOG,
    ADAPTER,
    CHECKPOINTS,
    EVALUATION,
    RECIPE,
)
"""The files and folders that a training writes into its folder, hidden ones apart."""


def is_training(file: Path) -> bool:
    """Whether a file is what a training writes when it begins, by its name and its beginning."""
    if file.name != TRAINING:
        return False
    begins = json.dumps({"format": FORMAT}, indent=1).removesuffix("\n}")
    try:
        with file.open(encoding="utf-8") as opened:
            return opened.read(len(begins)) == begins
    except (OSError, UnicodeDecodeError):
        return False
