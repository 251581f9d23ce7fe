"""Errors for checkpoints that transformers cannot use."""

from __future__ import annotations

from pathlib import Path

from app.errors import CheckpointError


def unknown_model(folder: Path, error: Exception) -> CheckpointError:
    """The error for a checkpoint that transformers cannot load."""
    return CheckpointError(
        f"The model in {folder} cannot be loaded",
        evidence=first_line(error),
        next_step="It must be a causal language model that transformers knows.",
    )


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, or the name of its class."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
