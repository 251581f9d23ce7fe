"""Large regions of memory are marked for huge pages."""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

import pytest

from app.decoding.llama_cpp.huge_pages import HugePages

_ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not _ENABLED.exists(), reason="the system has no huge pages"
)


def marked(region: mmap.mmap) -> bool:
    """Whether the middle of a region is marked, as the system says."""
    middle = ctypes.addressof(ctypes.c_char.from_buffer(region, len(region) // 2))
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, _, rest = line.partition(" ")
        start, dash, end = first.partition("-")
        if dash and rest.startswith(("r", "-")):
            inside = int(start, 16) <= middle < int(end, 16)
        elif inside and first == "VmFlags:":
            return "hg" in rest.split()
    return False


def test_a_large_region_that_comes_after_is_marked() -> None:
    pages = HugePages()
    large = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    assert not marked(large)
    pages.ask()
    assert marked(large)
