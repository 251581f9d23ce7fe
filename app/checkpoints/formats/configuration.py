"""Reading the JSON configuration files of checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.errors import CheckpointError


def read_configuration(path: Path, next_step: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: The file.
        next_step: Advice in the error if the file does not exist.

    Raises:
        CheckpointError: The file is missing, cannot be read or holds no JSON object.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no {path.name} in {path.parent}", next_step=next_step)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read", evidence=str(error)) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} does not hold a configuration")
    return content
