"""The ids of a text as a prompt, by a tokenizer of the library ``tokenizers``."""

from __future__ import annotations

from tokenizers import Tokenizer


def encode_as_prompt(tokenizer: Tokenizer, text: str, bos_id: int | None) -> list[int]:
    """The ids of ``text`` with the special tokens that go before a text, without those after it.

    Some tokenizers append end-of-sequence to every text, after which a model would not continue it.
    A text that begins with the beginning-of-sequence token, as chat templates do, gets no second
    one.

    Args:
        tokenizer: Its post-processor may add ids before and after the text.
        text: A text; special tokens in it are encoded as special tokens.
        bos_id: The beginning-of-sequence token, or None where there is none.
    """
    body = tokenizer.encode(text, add_special_tokens=False)
    if body.ids and body.ids[0] == bos_id:
        return list(body.ids)
    whole = tokenizer.encode(text)
    end = len(whole.ids)
    while end > len(body.ids) and whole.special_tokens_mask[end - 1]:
        end -= 1  # the mask is set for ids that were appended, and not for those of the text
    return list(whole.ids[:end])
