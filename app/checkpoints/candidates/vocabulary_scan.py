"""Reading the vocabulary of a ``tokenizer.json`` in small steps, without its merges.

A JSON parser would keep all other threads waiting for the whole file, which has up to 30 MB.
"""

from __future__ import annotations

import json
import re
from typing import Any

_VOCABULARY = re.compile(rb'"vocab"\s*:\s*\{')
_ENTRY = re.compile(rb'\s*"((?:[^"\\]|\\.)*)"\s*:\s*(\d+)\s*([,}])')
_EMPTY = re.compile(rb"\s*\}")


def read_ids(content: bytes) -> dict[str, int]:
    """The ids of the tokens and added tokens of a ``tokenizer.json``, or of a ``vocab.json``.

    Raises:
        ValueError, TypeError, KeyError, AttributeError, RecursionError: It is damaged.
    """
    start = _VOCABULARY.search(content)
    if start is None:
        return _ids_of(json.loads(content))
    ids, end = _entries(content, start.end())
    rest = content[end:]
    if b'"added_tokens"' in rest:  # unusual: this file has another order than those of tokenizers
        return _ids_of(json.loads(content))
    head = json.loads(content[: start.end()] + b"}}}")
    return ids | _added(head)


def _entries(content: bytes, place: int) -> tuple[dict[str, int], int]:
    """The entries of the object whose content begins at ``place``, and where it ends."""
    ids: dict[str, int] = {}
    if empty := _EMPTY.match(content, place):
        return ids, empty.end()
    while True:
        entry = _ENTRY.match(content, place)
        if entry is None:
            raise ValueError(f"its vocabulary is damaged at byte {place:,}")
        token = entry[1]
        spelled = json.loads(b'"%b"' % token) if b"\\" in token else token.decode()
        ids[spelled] = int(entry[2])
        place = entry.end()
        if entry[3] == b"}":
            return ids, place


def _ids_of(content: dict[str, Any]) -> dict[str, int]:
    model = content.get("model")
    if not isinstance(model, dict):
        return {str(token): int(index) for token, index in content.items()}
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):  # Unigram: tokens with their scores
        ids = {str(token): index for index, (token, _) in enumerate(vocabulary)}
    else:
        ids = {str(token): int(index) for token, index in vocabulary.items()}
    return ids | _added(content)


def _added(content: dict[str, Any]) -> dict[str, int]:
    listed = content.get("added_tokens") or []
    return {str(token["content"]): int(token["id"]) for token in listed}
