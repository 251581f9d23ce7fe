"""Reads and writes stop strings as text: one per line, with escapes for white space."""

from __future__ import annotations

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
# Characters that a text editor would turn into line breaks.
_ESCAPES |= {"\u2028": "\\u2028", "\u2029": "\\u2029", "\u00a0": "\\u00a0", "\0": "\\u0000"}
_MEANINGS = {escape: character for character, escape in _ESCAPES.items()}


def read_stop_strings(text: str) -> tuple[str, ...]:
    """The stop strings in ``text``, one per non-empty line; an unknown escape stays as typed."""
    return tuple(_unescape(line) for line in text.split("\n") if line)


def write_stop_strings(strings: tuple[str, ...]) -> str:
    """The text of stop strings; inverse of :func:`read_stop_strings`."""
    escape = str.maketrans(_ESCAPES)
    return "\n".join(string.translate(escape) for string in strings)


def _unescape(line: str) -> str:
    result, place = "", 0
    while place < len(line):
        escape = next((e for e in _MEANINGS if line.startswith(e, place)), line[place])
        result += _MEANINGS.get(escape, escape)
        place += len(escape)
    return result
