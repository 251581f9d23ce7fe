"""The argument parser, whose errors have the same format as all others."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias

from app.errors import SettingsError


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that raises ``SettingsError``, which is printed as one line.

    Options are not abbreviated: an abbreviation would change its meaning with the next option.

    Attributes:
        passed_on: Where arguments are put that are meant for another program; empty if there is
            none, and such arguments are refused.
    """

    passed_on = ""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Raise ``SettingsError`` with the message and a pointer to the help."""
        raise SettingsError(
            f"{message[:1].upper()}{message[1:]}", next_step=f"See {self.prog} --help."
        )

    def parse_known_args(  # type: ignore[override]  # typeshed has two overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Reject unknown arguments here, so that the error points to the subcommand's help."""
        found, unknown = super().parse_known_args(args, namespace)
        if self.passed_on:
            setattr(found, self.passed_on, unknown)
            return found, []
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
