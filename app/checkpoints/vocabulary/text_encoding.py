"""Encoding of prompts, and of texts in the middle of texts, by the library ``tokenizers``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tokenizers import Tokenizer


def encode_as_prompt(tokenizer: Tokenizer, text: str, bos_id: int | None) -> list[int]:
    """The ids of ``text`` with the special tokens that the tokenizer adds before it, not after it.

    Some tokenizers append the end-of-sequence token, after which a model would not continue the
    text. If the text starts with the beginning-of-sequence token already, as with many chat
    templates, nothing is added.

    Args:
        tokenizer: A tokenizer whose post-processor may add ids before and after the text.
        text: A text; special tokens in it are encoded as special tokens.
        bos_id: The beginning-of-sequence token, or None if there is none.
    """
    body = tokenizer.encode(text, add_special_tokens=False)
    if body.ids and body.ids[0] == bos_id:
        return list(body.ids)
    whole = tokenizer.encode(text)
    end = len(whole.ids)
    while end > len(body.ids) and whole.special_tokens_mask[end - 1]:
        end -= 1  # the mask is set for added ids, not for special tokens in the text
    return list(whole.ids[:end])


def prompt_beginning(tokenizer: Tokenizer) -> list[int]:
    """The special tokens that the tokenizer adds before every text."""
    text = "a"
    ids = encode_as_prompt(tokenizer, text, None)
    return ids[: len(ids) - len(tokenizer.encode(text, add_special_tokens=False).ids)]


def continuation_encoder(tokenizer: Tokenizer) -> Callable[[str], Sequence[int]]:
    """A function that encodes texts in the middle of a text, without special tokens.

    They are encoded after a line break, since some tokenizers put a space before every text.
    """
    anchor: list[int] = tokenizer.encode("\n", add_special_tokens=False).ids

    def encode(text: str) -> Sequence[int]:
        ids: list[int] = tokenizer.encode(f"\n{text}", add_special_tokens=False).ids
        if ids[: len(anchor)] == anchor:
            return ids[len(anchor) :]
        alone: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return alone

    return encode
