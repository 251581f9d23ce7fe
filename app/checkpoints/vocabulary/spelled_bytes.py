"""Which bytes the tokens of a vocabulary spell alone, and whether they spell any text."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer

from app.checkpoints.vocabulary.token_bytes import text_bytes

_BYTES_OF_TEXT = frozenset([*b"\t\n\r", *range(0x20, 0x7F), *range(0x80, 0xC0), *range(0xC2, 0xF1)])
"""The bytes of characters that texts have. Some tokenizers lack control characters and bytes that
only begin characters of planes without any; tokens of the base with these are not read."""


def can_be_bridged(tokenizer: Tokenizer) -> bool:
    """Whether the tokens of a pair spell any text byte by byte, so that it can follow any base."""
    return not unspelled_bytes(text_bytes(tokenizer, tokenizer.get_vocab_size())) & _BYTES_OF_TEXT


def unspelled_bytes(spelled: Iterable[bytes | None]) -> frozenset[int]:
    """The bytes that no token stands for alone."""
    return frozenset(range(256)).difference(
        token[0] for token in spelled if token and len(token) == 1
    )
