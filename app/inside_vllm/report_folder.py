"""Where the sockets of reports are: a private folder, and the key of a request that names one."""

from __future__ import annotations

import os
import re
import secrets
import socket
import stat
import tempfile
import time
from pathlib import Path

from app.errors import SettingsError

REPORT = "tuneshift_report"
"""The argument of a request that names where reports go. Clients cannot choose it."""

NEW = ".new"
"""How the name of a socket ends that does not listen yet."""
_SECONDS_TO_LISTEN = 3600.0

_KEY = re.compile(r"([0-9]+-[0-9a-f]{8})\.[0-9a-f]{32}")


def report_folder() -> Path:
    """The folder of the sockets, which nobody else can read.

    Raises:
        SettingsError: It is somebody else's, or open to others.
        OSError: It cannot be made.
    """
    folder = Path(tempfile.gettempdir()) / f"tuneshift-vllm-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    if not private or found.st_uid != os.getuid():
        raise SettingsError(
            f"{folder} is not private", next_step="Delete it, or set TMPDIR to another folder."
        )
    return folder


def socket_name() -> str:
    """A new name for the socket of this process."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def request_key(socket_name: str) -> str:
    """A key that nobody can guess for one request, whose reports go to a socket."""
    return f"{socket_name}.{secrets.token_hex(16)}"


def socket_of(key: object) -> Path | None:
    """The socket that the reports of a request go to; None if ``key`` is none of ours."""
    found = _KEY.fullmatch(key) if isinstance(key, str) else None
    return report_folder() / found[1] if found else None


def remove_abandoned(folder: Path) -> None:
    """Delete the sockets of processes that were killed."""
    for path in folder.iterdir():
        if path.suffix == NEW and _age(path) < _SECONDS_TO_LISTEN:
            continue
        try:
            with socket.socket(socket.AF_UNIX) as asked:
                asked.setblocking(False)  # a process that is stopped accepts nothing
                asked.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError:
            continue


def _age(path: Path) -> float:
    """Seconds since a file was made; none if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
