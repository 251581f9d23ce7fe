"""Arrays that give their memory back to the system at once when they are dropped."""

from __future__ import annotations

import mmap
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST_BYTES = 2**17
"""Smaller arrays stay in the heap: a process may have some ten thousand maps of pages."""


def copy_apart(array: NDArray[Any]) -> NDArray[Any]:
    """Copy an array into pages of its own, unless it is small.

    In the heap, small objects that live longer take the beginning of the hole that a dropped array
    leaves. The next array does not fit into the rest, so that the process grows with every array.
    """
    if array.nbytes < _LEAST_BYTES:
        return array.copy()
    copy = np.frombuffer(_pages(array.nbytes), array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def _pages(size: int) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, size)
    populate = getattr(mmap, "MAP_POPULATE", 0)  # Linux: all at once, not page by page
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | populate)
