"""Standard output that takes no more: a full disk, or a reader that has gone."""

from __future__ import annotations

import io
import os
import sys


def take_every_character() -> None:
    """Let what cannot be encoded be written as its number: a terminal may know no “α”.

    Windows gives a pipe the code page of the country; there it is UTF-8 from now on.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = "utf-8" if sys.platform == "win32" and not stream.isatty() else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def write_out(content: str | bytes) -> int:
    """Write to standard output, at once; returns the exit status."""
    try:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            sys.stdout.write(content)
        sys.stdout.flush()
    except OSError as error:
        return _give_up(error)
    return 0


def settle(status: int) -> int:
    """Bring out what was printed; ``status``, or another where that cannot be done."""
    return write_out("") or status


def _give_up(error: OSError) -> int:
    """Tell why, but for a reader that has gone, as after ``| head``; returns the exit status.

    What is left is thrown away, or Python would stumble over it at its end.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 1
    reason = error.strerror or str(error)
    print(f"tuneshift: The output cannot be written. {reason}.", file=sys.stderr)
    return 2
