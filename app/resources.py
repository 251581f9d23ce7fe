"""Paths of the files that ship with the program, and facts about its build."""

import subprocess
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """A shipped file or folder: inside the package once installed, beside it in a checkout."""
    installed = _PACKAGE / "_resources"
    return (installed if installed.is_dir() else _PACKAGE.parent / "resources").joinpath(*parts)


def is_packaged() -> bool:
    """Whether this is the packaged program, which brings its own Python and no extras."""
    return bool(getattr(sys, "frozen", False))


def commit() -> str:
    """The commit that the program was built from, or that of a checkout; empty where none is known.

    A checkout with changes is marked with a plus sign.
    """
    try:
        return resource("commit").read_text(encoding="ascii").strip()
    except OSError:
        return _commit_of_checkout(_PACKAGE.parent)


def _commit_of_checkout(folder: Path) -> str:
    """What git says of a folder that is a checkout itself and not merely inside of one."""
    if is_packaged() or not (folder / ".git").exists():
        return ""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):  # no git, or a disk that sleeps
        return ""
    return described.stdout.strip() if described.returncode == 0 else ""
