"""Line numbers of keys in a TOML text, which the parser of the standard library does not report."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

Keys = tuple[str | int, ...]
"""Path from the root table to a value, with indices into arrays: ``("pair", 0, "alpha")``."""

_MOST_LINES_OF_A_STATEMENT = 500  # finding the end of a statement is quadratic in its lines


def line_of(text: str, keys: Keys) -> int:
    """The line number, from 1, at which valid TOML sets ``keys``, or the innermost parent set."""
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
    """Line number and content of each statement, and whether the statement is a table header.

    A statement ends at the first line with which it is valid TOML.
    """
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
    """The path of a header ``[a.b]`` or ``[[a.b]]``; arrays in it mean their last element."""
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
