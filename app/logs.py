"""The log: one rotating file for the window, and a file for crashes of the process.

Neither contains prompts or generated texts, unless the preference ``log_texts`` is on. Where the
message of an exception may quote them, :func:`app.errors.kind_and_places` has the rest.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from app.settings import log_folder

_FORMAT = "%(asctime)s %(levelname)s %(name)s (%(threadName)s) %(message)s"
_MOST_BYTES, _KEPT = 1_000_000, 3


def log_file() -> Path:
    """The path of the log file."""
    return log_folder() / "tuneshift.log"


def start_logging() -> TextIO | None:
    """Write warnings of every library, and what the program itself says, to the log file.

    Returns:
        The file for crashes, which must stay open, or None where nothing can be written; the
        program runs without a log then.
    """
    try:
        handler = RotatingFileHandler(
            log_file(), maxBytes=_MOST_BYTES, backupCount=_KEPT, encoding="utf-8", delay=True
        )
        crashes = (log_folder() / "crash.log").open("a", encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.getLogger("app").setLevel(logging.INFO)
    logging.captureWarnings(True)
    faulthandler.enable(crashes)
    return crashes


def redirect_missing_streams() -> None:
    """Write stdout and stderr to a file if they are missing, as in a windowed program."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, _stream())


def _stream() -> TextIO:
    path = log_folder() / "output.log"
    if path.exists() and path.stat().st_size > _MOST_BYTES:
        path.unlink()
    return path.open("a", encoding="utf-8", buffering=1)
