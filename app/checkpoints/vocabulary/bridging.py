"""Bridges from the vocabulary of the base to those of pairs with another tokenizer."""

from __future__ import annotations

from collections.abc import Collection

from tokenizers import Tokenizer

from app.checkpoints.vocabulary.readable_tokens import readable_tokens
from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge


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
    return VocabularyBridge(readable_tokens(base, rows[0], spelled), spelled, *ends, strict=strict)
