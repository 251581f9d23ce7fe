"""The proof of a tokenizer: fixed texts get the same ids as with ``tokenizer.json`` alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from app.checkpoints.formats.tokenizer_loading import TOKENIZER_FILE
from app.checkpoints.opening import OpenedRole
from app.checkpoints.vocabulary.text_encoding import encode_as_prompt

PROOF_TEXTS = (
    "one two",
    " one",
    "  one",
    "one ",
    "one  two",
    "\tone\ttwo",
    "\none\n\ntwo\r\n",
    "0123 3.14 1,000,000",
    "def f(x):\n    if x:\n        return  1\n",
    "한국어 문장, 각.",
    "caf\u00e9 cafe\u0301 \ud55c \u1112\u1161\u11ab",  # composed and decomposed
    "😀 👩‍👩‍👧 ﬁ ½ \u00a0 \u3000",
    "Don't SHOUT, it's 2nd.",
)
"""Texts that tokenizers often encode differently: spaces, line breaks, digits, code, scripts."""

_PREFIX_SPACES = ("▁", "Ġ")


@dataclass(frozen=True, slots=True)
class TokenizerDifference:
    """A text that gets other ids than with the ``tokenizer.json`` of the checkpoint.

    Attributes:
        text: The text.
        read: The ids from the tokenizer that transformers loaded.
        shipped: The ids from ``tokenizer.json``.
    """

    text: str
    read: tuple[int, ...]
    shipped: tuple[int, ...]


class ShippedTokenizers:
    """Loads tokenizers from ``tokenizer.json`` alone; equal files are loaded once."""

    def __init__(self) -> None:
        self._of_content: dict[bytes, Tokenizer] = {}

    def of(self, folder: Path) -> Tokenizer | None:
        """The tokenizer of ``tokenizer.json`` in ``folder``, or None if there is none."""
        path = folder / TOKENIZER_FILE
        if not path.is_file():
            return None
        content = path.read_bytes()
        digest = sha256(content).digest()
        if digest not in self._of_content:
            tokenizer = Tokenizer.from_buffer(content)
            tokenizer.no_padding()
            tokenizer.no_truncation()
            self._of_content[digest] = tokenizer
        return self._of_content[digest]


def tokenizer_differences(
    role: OpenedRole, files: ShippedTokenizers
) -> tuple[TokenizerDifference, ...]:
    """The texts that the tokenizer of ``role`` and its ``tokenizer.json`` encode differently.

    Tokens that are added after a text are ignored, since they are never part of a prompt. Without
    a ``tokenizer.json`` nothing is compared.
    """
    shipped = files.of(role.tokenizer_folder)
    if shipped is None:
        return ()
    read = role.tokenizer.backend_tokenizer
    special = sorted(token.content for token in shipped.get_added_tokens_decoder().values())
    texts = (*PROOF_TEXTS, *(f"one {token} two" for token in (*special[:2], *special[-2:])))
    bos = role.tokenizer.bos_token_id
    pairs = (
        (text, encode_as_prompt(read, text, bos), encode_as_prompt(shipped, text, bos))
        for text in texts
    )
    return tuple(
        TokenizerDifference(text, tuple(ids), tuple(expected))
        for text, ids, expected in pairs
        if ids != expected
    )


def tokenizer_notes(roles: Iterable[OpenedRole]) -> Iterator[str]:
    """One sentence for each way in which the tokenizer of a role differs from its files."""
    files, seen = ShippedTokenizers(), set[int]()
    for role in roles:
        if id(role.tokenizer) not in seen:
            seen.add(id(role.tokenizer))
            yield from _notes(role, tokenizer_differences(role, files))


def _notes(role: OpenedRole, found: tuple[TokenizerDifference, ...]) -> Iterator[str]:
    if found:
        first = found[0]
        yield (
            f"The tokenizer of the {role.name} encodes {first.text!r} as {_listed(first.read)}, "
            f"and its {TOKENIZER_FILE} as {_listed(first.shipped)}; {len(found)} of the texts "
            "that are compared differ."
        )
    settings = _settings(role.tokenizer_folder)
    yield from _beginning(role, settings)
    yield from _prefix_space(role, settings)


def _settings(folder: Path) -> dict[str, Any]:
    """The content of ``tokenizer_config.json``; empty if it or ``tokenizer.json`` is missing."""
    path = folder / "tokenizer_config.json"
    if not path.is_file() or not (folder / TOKENIZER_FILE).is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _beginning(role: OpenedRole, settings: dict[str, Any]) -> Iterator[str]:
    setting, token = settings.get("add_bos_token"), role.tokenizer.bos_token
    added = role.tokenizer.bos_token_id in role.tokenizer.backend_tokenizer.encode("a").ids[:1]
    if isinstance(setting, bool) and token and setting is not added:
        yield (
            f"The tokenizer_config.json of the {role.name} {'adds' if setting else 'does not add'} "
            f"“{token}” before every text, its {TOKENIZER_FILE} {'does' if added else 'does not'}: "
            f"{TOKENIZER_FILE} is used."
        )


def _prefix_space(role: OpenedRole, settings: dict[str, Any]) -> Iterator[str]:
    setting = settings.get("add_prefix_space")
    first = _first_token(role.tokenizer)
    added = first.startswith(_PREFIX_SPACES)
    if isinstance(setting, bool) and first and setting is not added:
        yield (
            f"The tokenizer_config.json of the {role.name} {'adds' if setting else 'does not add'} "
            f"a space before every text, its {TOKENIZER_FILE} {'does' if added else 'does not'}: "
            f"{TOKENIZER_FILE} is used."
        )


def _first_token(tokenizer: PreTrainedTokenizerBase) -> str:
    tokens: list[str] = tokenizer.backend_tokenizer.encode("a", add_special_tokens=False).tokens
    return tokens[0] if tokens else ""


def _listed(ids: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, ids[:8]))
    return f"[{shown}{', …' if len(ids) > 8 else ''}]"
