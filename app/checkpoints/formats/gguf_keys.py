"""Typed access to the keys of a GGUF file that describe its architecture."""

from __future__ import annotations

import math

from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_metadata import UnusableError, shown

_CLOSE = 1e-5


class Keys:
    """The keys of a file that start with the name of its architecture, without this prefix."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self._prefix = f"{contents.architecture}."

    def __contains__(self, key: str) -> bool:
        return self._prefix + key in self.contents.metadata

    def whole(self, key: str, default: int | None = None, least: int = 1) -> int:
        return self.contents.metadata.whole(self._prefix + key, default, least)

    def number(self, key: str, default: float | None = None) -> float:
        return self.contents.metadata.number(self._prefix + key, default)

    def positive(self, key: str, default: float | None = None) -> float:
        value = self.number(key, default)
        if value <= 0:
            raise UnusableError(f"its key “{self._prefix}{key}” is {value:g}")
        return value

    def is_list(self, key: str) -> bool:
        return isinstance(self.contents.metadata.values[self._prefix + key], list)

    def wholes(self, key: str) -> list[int]:
        return self.contents.metadata.wholes(self._prefix + key)

    def flags(self, key: str) -> list[bool]:
        return [bool(item) for item in self.wholes(key)]

    def use(self, key: str) -> object:
        return self.contents.metadata.use(self._prefix + key)

    def must_be(self, key: str, *supported: float | str) -> None:
        """Refuse a file whose key, if present, has another value than those supported."""
        value = self.use(key)
        if isinstance(value, list) and value and all(item == value[0] for item in value):
            value = value[0]
        if value is not None and not any(_equal(value, item) for item in supported):
            raise UnusableError(
                f"its key “{self._prefix}{key}” is {shown(value)}, which is not supported"
            )


def _equal(value: object, expected: float | str) -> bool:
    if isinstance(value, int | float) and not isinstance(expected, str):
        return math.isclose(value, expected, rel_tol=_CLOSE)
    return value == expected
