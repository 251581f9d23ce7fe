"""Presets of sampling settings and of prompts, in a file of the folder of preferences."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomli_w

from app.atomic_files import set_aside, write_file
from app.errors import SettingsError
from app.settings import config_folder

SAMPLING, PROMPTS = "sampling", "prompts"
"""The tables of the file: settings by name, and texts by name."""


def presets_in(table: str) -> dict[str, Any]:
    """The presets of a table by name, sorted; empty if the file is missing or damaged."""
    found = _read().get(table)
    return dict(sorted(found.items())) if isinstance(found, dict) else {}


def save_preset(table: str, name: str, value: Any) -> None:
    """Save a preset, in the place of one with the same name.

    Raises:
        SettingsError: If the file cannot be written.
    """
    _write(table, {**presets_in(table), name: value})


def delete_preset(table: str, name: str) -> None:
    """Delete a preset.

    Raises:
        SettingsError: If the file cannot be written.
    """
    _write(table, {key: value for key, value in presets_in(table).items() if key != name})


def _file() -> Path:
    return config_folder() / "presets.toml"


def _read() -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        return tomllib.loads(_file().read_text(encoding="utf-8"))
    return {}


def _write(table: str, presets: dict[str, Any]) -> None:
    path, content = _file(), _read()
    try:
        if path.exists() and not content and path.stat().st_size:
            set_aside(path)  # a damaged file is not overwritten
        write_file(path, tomli_w.dumps({**content, table: presets}))
    except OSError as error:
        raise SettingsError("The presets cannot be saved", evidence=str(error)) from error
