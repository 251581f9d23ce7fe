"""Copies of large arrays are in pages of their own, which go when nothing refers to them."""

from __future__ import annotations

import weakref
from mmap import mmap
from typing import Any

import numpy as np
import pytest

from app.decoding.memory_pages import copy_apart


def pages_of(array: Any) -> mmap | None:
    """The pages that hold the content of an array, if they are its own."""
    while isinstance(array, np.ndarray | memoryview):
        array = array.base if isinstance(array, np.ndarray) else array.obj
    return array if isinstance(array, mmap) else None


@pytest.mark.parametrize("size", [0, 5, 40_000])
def test_a_copy_is_equal_and_independent(size: int) -> None:
    rows = np.arange(3 * size, dtype=np.float32).reshape(3, size)
    copy = copy_apart(rows)
    np.testing.assert_array_equal(copy, rows)
    assert (copy.dtype, copy.shape) == (rows.dtype, rows.shape)
    copy += 1
    np.testing.assert_array_equal(copy, rows + 1)


def test_the_pages_of_a_large_copy_go_with_its_last_row() -> None:
    rows = list(copy_apart(np.ones((3, 40_000), dtype=np.float32)))
    pages = pages_of(rows[1])
    assert pages is not None
    gone = weakref.ref(pages)
    del pages, rows[:2]
    assert gone()
    rows.clear()
    assert not gone()


def test_a_small_copy_takes_no_pages() -> None:
    assert pages_of(copy_apart(np.ones(300))) is None
