"""Ids of tokens that are named in the filter of the candidates."""

from __future__ import annotations

from collections.abc import Sequence

from app.wording import MARKS

_MOST = 4
_CHARACTERS = str.maketrans({mark: character for character, mark in MARKS.items()})


def ids_of(text: str, labels: Sequence[str]) -> list[int]:
    """The ids that a text names: ``#123``, or a whole token with or without a leading space.

    Args:
        text: What was typed.
        labels: Text of each token id, [V].
    """
    number = text.strip().removeprefix("#")
    if text.strip().startswith("#") and number.isdecimal():
        return [int(number)] if int(number) < len(labels) else []
    if not text.strip():
        return []
    exact = text.translate(_CHARACTERS)
    wanted = {text, f" {text}", exact}
    found = [at for at, label in enumerate(labels) if label in wanted]
    return sorted(found, key=lambda at: labels[at] != text)[:_MOST]
