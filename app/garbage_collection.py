"""Who collects cycles of garbage: whoever asks, unless only one thread may. Imports no torch."""

from __future__ import annotations

import gc
from collections.abc import Callable

_collector: Callable[[], object] = gc.collect


def collect() -> None:
    """Collect all cycles that nothing refers to; returns when they are gone."""
    _collector()


def set_collector(collector: Callable[[], object]) -> None:
    """Let ``collector`` do it from now on; it is called on any thread."""
    global _collector
    _collector = collector
