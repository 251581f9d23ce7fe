"""Garbage collection on request, on the thread that a collector function chooses. No torch."""

from __future__ import annotations

import gc
from collections.abc import Callable

_collector: Callable[[], object] = gc.collect


def collect() -> None:
    """Collect all unreachable cycles; return when they are freed."""
    _collector()


def set_collector(collector: Callable[[], object]) -> None:
    """Set the function that collects; it may be called on any thread."""
    global _collector
    _collector = collector
