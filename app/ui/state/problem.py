"""The error that the window shows."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import TuneshiftError


@dataclass(frozen=True, slots=True)
class Problem:
    """An error to show, with details for a bug report."""

    error: TuneshiftError
    details: str = ""
