"""A parser whose errors look like all others."""

from __future__ import annotations

import argparse
from typing import NoReturn, TypeAlias

from app.errors import SettingsError


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise ``SettingsError``, which ends the program like any other."""
        raise SettingsError(
            f"{message[:1].upper()}{message[1:]}", next_step=f"See {self.prog} --help."
        )


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
