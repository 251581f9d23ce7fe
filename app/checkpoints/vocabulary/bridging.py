"""Bridges from the vocabulary of the base to those of pairs with another tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from app.checkpoints.vocabulary.spelled_bytes import unspelled_bytes
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
    unspelled = unspelled_bytes(spelled)
    readable = [
        None if token is None or unspelled.intersection(token) else token
        for token in text_bytes(base, rows[0])
    ]
    return VocabularyBridge(readable, spelled, *ends, strict=strict)


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
