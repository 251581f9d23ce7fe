"""How the C library keeps memory that weights took, so that unloading gives all of it back."""

from __future__ import annotations

import ctypes
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from app.garbage_collection import collect

# Of glibc's malloc.h. Once set they stay fixed, so what follows a load is what glibc would have
# come to by itself after the first large tensor was freed.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_APART, _USUAL, _USUAL_TRIM = 1 << 16, 1 << 25, 1 << 26


@contextmanager
def tensors_apart() -> Iterator[None]:
    """Give every tensor pages of its own, which go back to the system when it is freed.

    The threads that read weights have heaps of their own, and glibc keeps up to 64 MB of each.
    """
    _configure(_APART, _APART)
    try:
        yield
    finally:
        _configure(_USUAL, _USUAL_TRIM)


def forget_frames(error: BaseException) -> None:
    """Empty the frames that ``error`` came through, which hold what was loaded until then.

    An error lives as long as a person looks at it.
    """
    behind: BaseException | None = error
    while behind is not None:
        traceback.clear_frames(behind.__traceback__)
        behind = behind.__cause__ or behind.__context__


def release_memory() -> None:
    """Give what models held back to the system, once nothing refers to them any more."""
    collect()  # models hold reference cycles
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _configure(mmap_threshold: int, trim_threshold: int) -> None:
    mallopt = _function("mallopt")
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, mmap_threshold)
        mallopt(_TRIM_THRESHOLD, trim_threshold)


def _function(name: str) -> Any:
    """A function of glibc, or None where there is another C library."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
