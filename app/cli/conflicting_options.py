"""Options that have no effect together, which are refused instead of ignored."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from app.errors import SettingsError


def refuse_together(options: argparse.Namespace, name: str, others: Iterable[str]) -> None:
    """Refuse options that would be ignored because of another one.

    Args:
        options: The parsed options.
        name: The option that decides, without its dashes; nothing is refused if it is not given.
        others: The options that have no effect with it.

    Raises:
        SettingsError: Such an option is given.
    """
    if not is_given(options, name):
        return
    for other in others:
        if is_given(options, other):
            raise SettingsError(
                f"{_written(other)} has no effect with {_written(name)}",
                next_step="Leave one of them out.",
            )


def is_given(options: argparse.Namespace, name: str) -> bool:
    """Whether an option without a default value is given; 0 and an empty text are values."""
    value = getattr(options, name)
    return value is not None and value is not False and value not in ([], ())


def _written(name: str) -> str:
    return f"--{name.replace('_', '-')}"
