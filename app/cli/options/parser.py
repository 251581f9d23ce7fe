"""A parser whose errors look like all others."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias

from app.errors import SettingsError


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise ``SettingsError``, which ends the program like any other."""
        raise SettingsError(
            f"{message[:1].upper()}{message[1:]}", next_step=f"See {self.prog} --help."
        )

    def parse_known_args(  # type: ignore[override]  # typeshed has two overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Refuse what is not known here, so that a subcommand points to its own help."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
