"""Whether roles share a vocabulary, by content: the same id must mean the same token everywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tokenizers import Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from app.errors import VocabularyError

MOST_DIFFERENT = 0.01
"""Share of the base's ids that may differ; those ids are masked, above it the recipe is refused."""

_EXAMPLES = 3


def shared_ids(vocabularies: Sequence[Mapping[str, int]], names: Sequence[str]) -> list[int]:
    """The ids that every role has and spells alike; the others are to be masked.

    Args:
        vocabularies: Token to id for each role, the base first.
        names: A name for each role, for the error.

    Raises:
        VocabularyError: When at least ``MOST_DIFFERENT`` of the base's ids differ in some role.
    """
    base = {index: token for token, index in vocabularies[0].items()}
    shared = set(base)
    for vocabulary, name in zip(vocabularies[1:], names[1:], strict=True):
        other = {index: token for token, index in vocabulary.items()}
        different = [index for index, token in base.items() if other.get(index) != token]
        if len(different) >= MOST_DIFFERENT * len(base):
            raise VocabularyError(
                f"The {name} has another vocabulary than the base",
                evidence=_describe(base, other, sorted(different)),
                next_step="Choose models of one family that share a tokenizer.",
            )
        shared.difference_update(different)
    return sorted(shared)


def token_labels(tokenizer: Tokenizer, size: int) -> list[str]:
    """The text of each id below ``size``; bytes inside a character are written like ⟨E2 82⟩."""
    # After another token, because some decoders take the space off the first one.
    anchor = tokenizer.encode("a", add_special_tokens=False).ids
    shown = len(tokenizer.decode(anchor))
    decoded = tokenizer.decode_batch(
        [[*anchor, index] for index in range(size)], skip_special_tokens=False
    )
    texts = [text[shown:] for text in decoded]
    return [
        _spell_bytes(tokenizer.id_to_token(index) or "") if "\ufffd" in text or not text else text
        for index, text in enumerate(texts)
    ]


_BYTE_FALLBACK = re.compile("<0x[0-9A-F]{2}>")
_BYTE_OF_CHARACTER = {character: byte for byte, character in bytes_to_unicode().items()}


def _spell_bytes(token: str) -> str:
    if _BYTE_FALLBACK.fullmatch(token):
        return f"⟨{token[3:5]}⟩"
    if token and all(character in _BYTE_OF_CHARACTER for character in token):
        return f"⟨{bytes(map(_BYTE_OF_CHARACTER.__getitem__, token)).hex(' ').upper()}⟩"
    return token


def _describe(base: Mapping[int, str], other: Mapping[int, str], different: Sequence[int]) -> str:
    examples = ", ".join(
        f"id {index} is “{base[index]}” here and {_spelling(other, index)} there"
        for index in different[:_EXAMPLES]
    )
    return f"{len(different):,} of {len(base):,} tokens differ: {examples}"


def _spelling(vocabulary: Mapping[int, str], index: int) -> str:
    return f"“{vocabulary[index]}”" if index in vocabulary else "absent"
