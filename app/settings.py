"""The preferences, and the folders in which the program keeps its files."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w

from app.atomic_files import set_aside, write_file
from app.errors import SettingsError

_NAME = "tuneshift"
ROW_MEGABYTES = range(16, 1_048_577)
"""What the bound of the rows' memory may be, in MiB."""
PREFIX_MEGABYTES = range(1_048_577)
PARALLEL_REQUESTS, MOST_PARALLEL_REQUESTS = 8, 256
"""Requests that the API server decodes side by side: by default, and at most."""
"""What the bound of the memory for earlier texts may be, in MiB; with 0, none is kept."""

THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class Settings:
    """Preferences.

    Attributes:
        theme: One of ``THEMES``.
        model_folder: Where the folder pickers start; empty for the person's home.
        device: For roles whose device is ``auto``.
        dtype: For roles whose dtype is ``auto``.
        language: Of the window: ``system``, or one that it is translated to.
        row_megabytes: Memory for full rows of logits of the newest tokens, in MiB.
        log_texts: Whether prompts and texts are written to the log, for a bug report.
        prove_models: Whether the window compares models with plain forward passes as it loads them.
        prefix_megabytes: Memory for keys and values of earlier texts, in MiB.
        drafts: Whether the window decodes speculatively.
        restore_texts: Whether the window begins with the texts of the last session.
    """

    theme: str = "system"
    model_folder: str = ""
    device: str = "auto"
    dtype: str = "auto"
    row_megabytes: int = 512
    language: str = "system"
    log_texts: bool = False
    prove_models: bool = True
    prefix_megabytes: int = 2048
    restore_texts: bool = True
    drafts: bool = True

    @property
    def row_bytes(self) -> int:
        """``row_megabytes`` in bytes."""
        return self.row_megabytes * 2**20


def config_folder() -> Path:
    """The folder of preferences and window state; made when missing, where that can be."""
    return _made(platformdirs.user_config_path(_NAME, appauthor=False))


def state_folder() -> Path:
    """The folder of what the program remembers between starts; made as the others are."""
    return _made(platformdirs.user_state_path(_NAME, appauthor=False))


def log_folder() -> Path:
    """The folder of the log; made as the others are."""
    return _made(platformdirs.user_log_path(_NAME, appauthor=False))


def cache_folder() -> Path:
    """The folder of what can be made again, such as converted checkpoints; made as the others."""
    return _made(platformdirs.user_cache_path(_NAME, appauthor=False))


def history_file() -> Path:
    """Where the runs are kept; neither the file nor its folder need be there."""
    return platformdirs.user_data_path(_NAME, appauthor=False) / "history.sqlite3"


def recipe_folder() -> Path:
    """The folder of a person's own recipes; made as the others are."""
    return _made(platformdirs.user_data_path(_NAME, appauthor=False) / "recipes")


def expert_folder() -> Path:
    """The folder of the experts that a person trained in the window; made as the others are."""
    return _made(platformdirs.user_data_path(_NAME, appauthor=False) / "experts")


def _made(folder: Path) -> Path:
    """``folder``, which on a disk that takes nothing is not there: whoever writes is told then."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def load_settings() -> Settings:
    """The saved preferences, or the defaults where none are saved.

    Raises:
        SettingsError: When the file cannot be read. A damaged one is set aside, and the error says
            where it is.
    """
    path = config_folder() / "settings.toml"
    if not path.exists():
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"The preferences in {path} cannot be read",
            evidence=str(error),
            next_step="The defaults are used; saving the preferences replaces the file.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    kinds = {key: type(value) for key, value in asdict(Settings()).items()}
    values: dict[str, Any] = {k: value for k, value in table.items() if type(value) is kinds.get(k)}
    if values.get("theme") not in THEMES:
        values.pop("theme", None)
    if values.get("row_megabytes") not in ROW_MEGABYTES:
        values.pop("row_megabytes", None)
    if values.get("prefix_megabytes") not in PREFIX_MEGABYTES:
        values.pop("prefix_megabytes", None)
    return replace(Settings(), **values)


def _damaged(path: Path, error: Exception) -> SettingsError:
    """Set the file aside, so that saving the preferences does not overwrite it."""
    try:
        kept = f"the old file is kept as {set_aside(path)}."
    except OSError:
        kept = "saving the preferences replaces the file."
    return SettingsError(
        f"The preferences in {path} are damaged",
        evidence=str(error),
        next_step=f"The defaults are used; {kept}",
    )


def save_settings(settings: Settings) -> None:
    """Save ``settings``.

    Raises:
        SettingsError: When the file cannot be written.
    """
    path = config_folder() / "settings.toml"
    try:
        write_file(path, tomli_w.dumps(asdict(settings)))
    except OSError as error:
        raise SettingsError("The preferences cannot be saved", evidence=str(error)) from error
