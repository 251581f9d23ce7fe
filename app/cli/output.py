"""Standard output: encoding, and write errors such as a full disk or a closed pipe."""

from __future__ import annotations

import io
import os
import sys


class OutputClosedError(Exception):
    """Standard output cannot be written, which has been reported; ``status`` is the exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def configure_streams() -> None:
    """Escape characters that the encoding of a stream lacks, such as “α” on some terminals.

    On Windows, output to a pipe is changed from the system's code page to UTF-8.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = "utf-8" if sys.platform == "win32" and not stream.isatty() else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def write_stdout(content: str | bytes) -> int:
    """Write to standard output and flush it; returns the exit status."""
    try:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            sys.stdout.write(content)
        sys.stdout.flush()
    except OSError as error:
        return _handle_write_error(error)
    return 0


def print_line(text: str) -> None:
    """Print a line to standard output.

    Raises:
        OutputClosedError: It cannot be written.
    """
    print_exactly(f"{text}\n")


def print_exactly(text: str) -> None:
    """Write to standard output.

    Raises:
        OutputClosedError: It cannot be written.
    """
    status = write_stdout(text)
    if status:
        raise OutputClosedError(status)


def flush_stdout(status: int) -> int:
    """Flush standard output; returns ``status``, or another exit status if that fails."""
    return write_stdout("") or status


def _handle_write_error(error: OSError) -> int:
    """Print the error, unless the reader closed the pipe (``| head``); returns the exit status.

    Standard output is redirected to the null device, so that Python's flush at exit does not fail.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 1
    reason = error.strerror or str(error)
    print(f"tuneshift: The output cannot be written. {reason}.", file=sys.stderr)
    return 2
