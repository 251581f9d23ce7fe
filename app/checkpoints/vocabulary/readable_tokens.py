"""The tokens of a base that a pair of another tokenizer can read. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer

from app.checkpoints.vocabulary.token_bytes import text_bytes

_BYTES_OF_TEXT = frozenset([*b"\t\n\r", *range(0x20, 0x7F), *range(0x80, 0xC0), *range(0xC2, 0xF1)])
"""The bytes of characters that texts have. Some tokenizers lack control characters and bytes that
only begin characters of planes without any; tokens of the base with these are not read."""

Spelled = list[bytes | None]


def can_be_bridged(spelled: Iterable[bytes | None]) -> bool:
    """Whether the tokens of a pair spell any text byte by byte, so that it can follow any base."""
    return not _unspelled(spelled) & _BYTES_OF_TEXT


def readable_tokens(base: Tokenizer, rows: int, pair: Spelled) -> Spelled:
    """The bytes of each id of the base, None for special tokens and for what the pair cannot spell.

    Args:
        base: The tokenizer of the base.
        rows: The rows of its output layer.
        pair: The bytes of each id of the pair.
    """
    unspelled = _unspelled(pair)
    return [
        None if token is None or unspelled.intersection(token) else token
        for token in text_bytes(base, rows)
    ]


def _unspelled(spelled: Iterable[bytes | None]) -> frozenset[int]:
    """The bytes that no token stands for alone."""
    return frozenset(range(256)).difference(
        token[0] for token in spelled if token and len(token) == 1
    )
