"""Bridges from the vocabulary of the base to those of pairs with another tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge

_BYTES_OF_TEXT = frozenset([*b"\t\n\r", *range(0x20, 0x7F), *range(0x80, 0xC0), *range(0xC2, 0xF1)])
"""The bytes of characters that texts have. Some tokenizers lack control characters and bytes that
only begin characters of planes without any; tokens of the base with these are not read."""


def can_be_bridged(tokenizer: Tokenizer) -> bool:
    """Whether the tokens of a pair spell any text byte by byte, so that it can follow any base."""
    return not _unspelled(text_bytes(tokenizer, tokenizer.get_vocab_size())) & _BYTES_OF_TEXT


def make_bridge(
    base: Tokenizer,
    pair: Tokenizer,
    rows: tuple[int, int],
    ends: tuple[Collection[int], Collection[int]],
    *,
    strict: bool = False,
) -> VocabularyBridge:
    """The bridge between two tokenizers.

    Args:
        base: The tokenizer of the base.
        pair: The tokenizer of the pair.
        rows: The rows of their output layers.
        ends: Their end-of-sequence ids.
        strict: Whether only tokens of exactly the same bytes correspond to each other.
    """
    spelled = text_bytes(pair, rows[1])
    unspelled = _unspelled(spelled)
    readable = [
        None if token is None or unspelled.intersection(token) else token
        for token in text_bytes(base, rows[0])
    ]
    return VocabularyBridge(readable, spelled, *ends, strict=strict)


def _unspelled(spelled: Iterable[bytes | None]) -> frozenset[int]:
    """The bytes that no token stands for alone."""
    return frozenset(range(256)).difference(
        token[0] for token in spelled if token and len(token) == 1
    )


def continuation_encoder(tokenizer: PreTrainedTokenizerBase) -> Callable[[str], Sequence[int]]:
    """A function that encodes texts in the middle of a text, without special tokens.

    They are encoded after a line break, since some tokenizers put a space before every text.
    """
    backend = tokenizer.backend_tokenizer
    anchor: list[int] = backend.encode("\n", add_special_tokens=False).ids

    def encode(text: str) -> Sequence[int]:
        ids: list[int] = backend.encode(f"\n{text}", add_special_tokens=False).ids
        if ids[: len(anchor)] == anchor:
            return ids[len(anchor) :]
        alone: list[int] = backend.encode(text, add_special_tokens=False).ids
        return alone

    return encode
