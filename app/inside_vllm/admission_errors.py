"""Errors of requests as vLLM expects them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import TuneshiftError


@contextmanager
def as_value_error() -> Iterator[None]:
    """Raise an error of ours as a ``ValueError``, which vLLM answers with status 400."""
    try:
        yield
    except TuneshiftError as error:
        raise ValueError(str(error)) from error
