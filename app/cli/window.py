"""``tuneshift`` without a subcommand: opens the window."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from app.checkpoints.recipes.recipe_file import find_recipe
from app.errors import DisplayError


def open_window(recipe: str | None) -> int:
    """Open the window, with ``recipe`` if it is given; returns the exit status.

    Raises:
        DisplayError: There is no display.
        RecipeError: The recipe does not exist.
    """
    _check_display()
    chosen = find_recipe(recipe) if recipe else None
    from app.ui.starting import run

    return run(chosen)


def _check_display() -> None:
    """Check for a display, since Qt aborts the process if there is none."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not (_wayland_answers() or _x11_answers()):
        raise DisplayError(
            "There is no screen to open the window on",
            evidence=f"DISPLAY is “{os.environ.get('DISPLAY', '')}”",
            next_step="Use “tuneshift generate” for the terminal.",
        )


def _wayland_answers() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY", "")
    return bool(name) and Path(os.environ.get("XDG_RUNTIME_DIR", ""), name).exists()


def _x11_answers() -> bool:
    host, separator, number = os.environ.get("DISPLAY", "").rpartition(":")
    if not separator:
        return False
    if host:
        return True  # a display on another machine: left to Qt
    display = number.partition(".")[0]
    for address in (f"/tmp/.X11-unix/X{display}", f"\0/tmp/.X11-unix/X{display}"):
        with socket.socket(socket.AF_UNIX) as connection:
            if connection.connect_ex(address) == 0:
                return True
    return False
