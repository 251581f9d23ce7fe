"""Stop strings as a person types them: one on each line, with escapes for what cannot be seen."""

from __future__ import annotations

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
# Characters that a text editor turns into line breaks of its own, and so cannot hold.
_ESCAPES |= {"\u2028": "\\u2028", "\u2029": "\\u2029", "\u00a0": "\\u00a0", "\0": "\\u0000"}
_MEANINGS = {escape: character for character, escape in _ESCAPES.items()}


def read_stop_strings(text: str) -> tuple[str, ...]:
    """One stop string from each line that is not empty; an unknown escape stands for itself."""
    return tuple(_unescape(line) for line in text.split("\n") if line)


def write_stop_strings(strings: tuple[str, ...]) -> str:
    """The inverse of :func:`read_stop_strings`."""
    escape = str.maketrans(_ESCAPES)
    return "\n".join(string.translate(escape) for string in strings)


def _unescape(line: str) -> str:
    result, place = "", 0
    while place < len(line):
        escape = next((e for e in _MEANINGS if line.startswith(e, place)), line[place])
        result += _MEANINGS.get(escape, escape)
        place += len(escape)
    return result
