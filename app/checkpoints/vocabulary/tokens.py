"""The tokens of each role, in a form in which large vocabularies compare quickly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, Tokenizer

Spelling = list[str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The content of one tokenizer.

    Attributes:
        spelling: The token of each id, or None; equal lists of several tokenizers are one object.
        count: The number of ids.
        added: The added and special tokens, with their flags.
        parts: The other parts of the tokenizer by name, such as its normalizer, serialized.
    """

    spelling: Spelling
    count: int
    added: Mapping[int, AddedToken]
    parts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class RoleTokens:
    """The tokens of one role.

    Attributes:
        name: The name of the role.
        tokens: The content of its tokenizer.
        rows: The rows of its output layer.
        end_ids: Its end-of-sequence ids.
    """

    name: str
    tokens: Tokens
    rows: int
    end_ids: frozenset[int]


def read_tokens(tokenizers: Sequence[Tokenizer], size: int) -> list[Tokens]:
    """The content of each tokenizer, with the spelling of the ids below ``size``.

    Reading the ids one by one takes most of the time of a comparison. Tokenizer models that are
    equal byte for byte are therefore read once; within a family that is usually a single one.
    """
    of_model: dict[bytes, Spelling] = {}
    known: list[Spelling] = []
    read = []
    for tokenizer in tokenizers:
        model = _state(tokenizer.model)
        if model not in of_model:
            of_model[model] = list(map(tokenizer.model.id_to_token, range(size)))
        added = tokenizer.get_added_tokens_decoder()
        spelling = _with_added(of_model[model], added)
        equal = next((other for other in known if other == spelling), None)
        if equal is None:
            known.append(spelling)
        read.append(
            Tokens(
                spelling=spelling if equal is None else equal,
                count=tokenizer.get_vocab_size(with_added_tokens=True),
                added=added,
                parts=_parts(tokenizer, model),
            )
        )
    return read


def _with_added(spelling: Spelling, added: Mapping[int, AddedToken]) -> Spelling:
    changed = {
        index: token.content
        for index, token in added.items()
        if index < len(spelling) and spelling[index] != token.content
    }
    if not changed:
        return spelling
    spelling = spelling.copy()
    for index, content in changed.items():
        spelling[index] = content
    return spelling


def _parts(tokenizer: Tokenizer, model: bytes) -> dict[str, bytes]:
    options, _, rest = model.partition(b'"vocab":')  # inside a token the quotes would be escaped
    merges = rest.partition(b',"merges":')[2]
    return {
        "normalizer": _state(tokenizer.normalizer),
        "pre-tokenizer": _state(tokenizer.pre_tokenizer),
        "kind of model": options,
        "merges": merges,
        "decoder": _state(tokenizer.decoder),
    }


def _state(part: Any) -> bytes:
    """A part of a tokenizer serialized as JSON; empty if it is None."""
    state: bytes = b"" if part is None else part.__getstate__()
    return state
