"""A run, or part of it, as a Markdown table or plain text."""

from __future__ import annotations

from app.history.export.document import Document, shift_bits
from app.wording import decimals

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\|`*_{}[]<>#~&"})


def write_text(document: Document) -> str:
    """The exact text of the tokens."""
    return document.text


def write_markdown(document: Document) -> str:
    """A table of the tokens with each pair's contribution."""
    pairs = document.pair_names
    header = ["#", "Token", "Base", "Tuned", "Shift (bits)", *map(_cell, pairs)]
    lines = [
        _line(header),
        _line(["--:", ":--", *["--:"] * (3 + len(pairs))]),
    ]
    for token in document.tokens:
        explained = token.attribution
        name = _cell(f"“{document.name(token)}”")
        lines.append(
            _line(
                [
                    str(token.index + 1),
                    f"**{name}**" if explained.flipped else name,
                    _number(explained.p_base, 4),
                    _number(explained.p_tuned, 4),
                    _number(shift_bits(token), 2, sign=True),
                    *(_number(share, 4, sign=True) for share in explained.contributions),
                ]
            )
        )
    return "\n".join(lines) + "\n"


def _number(value: float, digits: int, *, sign: bool = False) -> str:
    return _cell(decimals(value, digits, sign=sign))


def _cell(text: str) -> str:
    return text.translate(_SPECIAL)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
