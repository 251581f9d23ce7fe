"""Control of glibc's heap, so that unloading returns the memory of weights to the system."""

from __future__ import annotations

import ctypes
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from app.garbage_collection import collect

# Parameters of glibc's malloc.h. Once set, glibc no longer adapts them, so after a load they get
# the values that glibc reaches by itself once a large tensor has been freed.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_APART, _USUAL, _USUAL_TRIM = 1 << 16, 1 << 25, 1 << 26
_HOLES = 1 << 25
"""Bytes of dropped rows after which the holes that they leave are returned."""


@contextmanager
def tensors_apart() -> Iterator[None]:
    """Allocate every tensor on its own pages, which are returned to the system when it is freed.

    Without it, each thread that reads weights has its own heap, of which glibc keeps up to 64 MB.
    """
    _configure(_APART, _APART)
    try:
        yield
    finally:
        _configure(_USUAL, _USUAL_TRIM)


class RowHoles:
    """Returns the holes in the heap that the rows of earlier tokens leave.

    What is kept of a token is small and may take the beginning of the hole that a dropped row
    leaves. The next row does not fit into the rest, and the heap could grow with every token.

    Args:
        rows: The number of rows of a token.
        size: The length of a row in float32.
    """

    def __init__(self, rows: int, size: int) -> None:
        self._every = max(1, _HOLES // (4 * rows * size))
        self._tokens = 0

    def add_token(self) -> None:
        """Note a token, and return the holes of so many tokens: 0.2 ms, at most some ms."""
        self._tokens += 1
        if self._tokens % self._every == 0:
            _trim()


def forget_frames(error: BaseException) -> None:
    """Clear the frames of the traceback of ``error``, which refer to everything loaded so far.

    An error object lives as long as the window shows it.
    """
    behind: BaseException | None = error
    while behind is not None:
        traceback.clear_frames(behind.__traceback__)
        behind = behind.__cause__ or behind.__context__


def release_memory() -> None:
    """Collect garbage and return the memory of freed models to the system."""
    collect()  # models hold reference cycles
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
    _trim()


def _trim() -> None:
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _configure(mmap_threshold: int, trim_threshold: int) -> None:
    mallopt = _function("mallopt")
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, mmap_threshold)
        mallopt(_TRIM_THRESHOLD, trim_threshold)


def _function(name: str) -> Any:
    """A function of glibc, or None with another C library."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
