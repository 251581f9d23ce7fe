"""Encoding of a prompt with a tokenizer of the library ``tokenizers``."""

from __future__ import annotations

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
