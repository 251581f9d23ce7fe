"""Cutting of long texts into sections, at the ends of paragraphs where possible."""

from __future__ import annotations

import re

SECTION_CHARACTERS = 2_000
_ENDS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?])\s"), re.compile(r"\s"))


def cut_into_sections(text: str, most: int = SECTION_CHARACTERS) -> list[str]:
    """Cut a text into sections of at most ``most`` characters; joined, they are the text.

    A section ends with a paragraph, else with a line, a sentence or a word, in its second half;
    a text without any of them is cut where it is too long.
    """
    sections = []
    start = 0
    while len(text) - start > most:
        end = _end(text, start + most // 2, start + most)
        sections.append(text[start:end])
        start = end
    sections.append(text[start:])
    return [section for section in sections if section]


def _end(text: str, first: int, last: int) -> int:
    for pattern in _ENDS:
        found = [match.end() for match in pattern.finditer(text, first, last)]
        if found:
            return found[-1]
    return last
