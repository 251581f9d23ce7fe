"""On which line of a TOML text a key stands, which the parser does not say."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

Keys = tuple[str | int, ...]
"""Keys from the outermost table inwards, and places in arrays: ``("pair", 0, "alpha")``."""

_MOST_LINES_OF_A_STATEMENT = 500  # trying statement ends takes the square of their number


def line_of(text: str, keys: Keys) -> int:
    """The line, from 1, where valid TOML sets ``keys``, or else what would enclose them."""
    lines = _lines_of_keys(text)
    return next(lines[keys[:end]] for end in range(len(keys), -1, -1) if keys[:end] in lines)


def _lines_of_keys(text: str) -> dict[Keys, int]:
    found: dict[Keys, int] = {(): 1}
    arrays = Counter[Keys]()
    header: Keys = ()
    for number, statement, is_header in _statements(text):
        if is_header:
            header = _header_keys(statement, arrays)
            for end in range(1, len(header) + 1):
                found.setdefault(header[:end], number)
        else:
            for keys in _keys(statement, header):
                found.setdefault(keys, number)
    return found


def _statements(text: str) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """Line and content of each statement, and whether it is a header; it ends where it is valid."""
    lines = text.split("\n")
    start = 0
    for end in range(1, len(lines) + 1):
        if end - start > _MOST_LINES_OF_A_STATEMENT:
            return
        try:
            statement = tomllib.loads("\n".join(lines[start:end]))
        except ValueError:
            continue
        if statement:
            yield start + 1, statement, lines[start].lstrip().startswith("[")
        start = end


def _header_keys(statement: dict[str, Any], arrays: Counter[Keys]) -> Keys:
    """The keys of ``[a.b]`` or ``[[a.b]]``, inside the last element of arrays before it."""
    keys: Keys = ()
    value: Any = statement
    while value:
        ((key, value),) = value.items()
        keys = (*keys, key)
        if isinstance(value, list):
            arrays[keys] += 1
            (value,) = value
        if keys in arrays:
            keys = (*keys, arrays[keys] - 1)
    return keys


def _keys(value: Any, keys: Keys) -> Iterator[Keys]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*keys, key)
        if isinstance(item, dict | list):
            yield from _keys(item, (*keys, key))
