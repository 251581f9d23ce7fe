"""Huge pages for weights in main memory, which Linux gives to those who ask for them.

A token reads all weights once. With pages of 4 KB the processor looks up the place of hundreds of
thousands of them each time, which takes up to a fifth of the time of a token.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_MAPS = Path("/proc/self/maps")
_PRIVATE_AND_WRITABLE = "rw-p"
_LEAST = 16 << 20
"""Smaller regions are not worth it."""
_HUGE = 2 << 20
_MADV_HUGEPAGE = 14


class HugePages:
    """Asks for huge pages for the large regions of memory that are reserved after it was made."""

    def __init__(self) -> None:
        self._before = frozenset(_regions())

    def ask(self) -> None:
        """Ask for them; regions must not have been written to, or keep their pages."""
        if sys.platform != "linux":
            return
        libc = ctypes.CDLL(None)
        for start, end in _regions():
            first, last = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
            if (start, end) not in self._before and last - first >= _LEAST:
                # A system without huge pages refuses, and nothing changes.
                libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _MADV_HUGEPAGE)


def _regions() -> Iterator[tuple[int, int]]:
    """Start and end of each private region of memory that is not of a file; none elsewhere."""
    with suppress(OSError):
        # File names may be bytes of any encoding.
        for line in _MAPS.read_text("utf-8", errors="replace").splitlines():
            fields = line.split()
            if len(fields) == 5 and fields[1] == _PRIVATE_AND_WRITABLE:  # without a name
                start, _, end = fields[0].partition("-")
                yield int(start, 16), int(end, 16)
