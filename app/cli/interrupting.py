"""Ctrl+C as a request to cancel, so that what was computed is kept."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def call_on_interrupt(request: Callable[[], None]) -> Iterator[None]:
    """Call ``request`` on Ctrl+C instead of raising KeyboardInterrupt."""
    previous = signal.signal(signal.SIGINT, lambda number, frame: request())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
