"""The bytes that each token of a tokenizer stands for."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection
from itertools import compress

from tokenizers import Tokenizer
from tokenizers.decoders import Decoder
from transformers.convert_slow_tokenizer import bytes_to_unicode

_BYTE_FALLBACK = re.compile("<0x([0-9A-F]{2})>")
_BYTE_OF_CHARACTER = {ord(character): byte for byte, character in bytes_to_unicode().items()}

_IN_BYTES = re.compile(f"[{re.escape(''.join(map(chr, _BYTE_OF_CHARACTER)))}]*")


def text_bytes(tokenizer: Tokenizer, size: int) -> list[bytes | None]:
    """The bytes of each id below ``size`` that stands for text; None for special tokens as well.

    A byte token such as ``<0x39>`` is None where another token stands for this byte: no text is
    encoded with it.
    """
    spelled = token_bytes(tokenizer, size)
    ids = defaultdict[bytes, list[int]](list)
    for index, text in enumerate(spelled):
        if text is not None and len(text) == 1:
            ids[text].append(index)
    for same in ids.values():
        is_byte = [_BYTE_FALLBACK.fullmatch(tokenizer.id_to_token(each) or "") for each in same]
        if not all(is_byte):
            for index in compress(same, is_byte):
                spelled[index] = None
    for index, token in tokenizer.get_added_tokens_decoder().items():
        if token.special and index < size:
            spelled[index] = None
    return spelled


def token_bytes(tokenizer: Tokenizer, size: int) -> list[bytes | None]:
    """The bytes of each id below ``size``, None for ids that the tokenizer does not have."""
    kinds = {part["type"] for part in _parts(tokenizer.decoder)}
    added = {index: token.content for index, token in tokenizer.get_added_tokens_decoder().items()}
    spelled: list[bytes | None] = []
    for index in range(size):
        token = added.get(index)
        if token is not None:
            spelled.append(token.encode())
            continue
        token = tokenizer.id_to_token(index)
        spelled.append(None if token is None else _bytes_of(token, kinds))
    return spelled


def _parts(decoder: Decoder | None) -> list[dict[str, str]]:
    """The parts of a decoder; a decoder that is not a sequence is its only part."""
    if decoder is None:
        return []
    state = json.loads(decoder.__getstate__())
    parts = state.get("decoders", [state])
    assert isinstance(parts, list)
    return parts


def _bytes_of(token: str, kinds: Collection[str]) -> bytes:
    if "ByteLevel" in kinds and _IN_BYTES.fullmatch(token):
        return token.translate(_BYTE_OF_CHARACTER).encode("latin-1")
    if "ByteFallback" in kinds and (byte := _BYTE_FALLBACK.fullmatch(token)):
        return bytes([int(byte[1], 16)])
    if "Metaspace" in kinds or "Replace" in kinds:
        return token.replace("▁", " ").encode()
    return token.encode()
