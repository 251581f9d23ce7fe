"""The proof of a tokenizer: a fixed set of texts is read as the checkpoint's own file reads it."""

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
"""Texts in which tokenizers differ: spaces, line breaks, digits, code, and other scripts."""

_PREFIX_SPACES = ("▁", "Ġ")


@dataclass(frozen=True, slots=True)
class TokenizerDifference:
    """A text that becomes other ids than by the file of the checkpoint.

    Attributes:
        text: The text.
        read: The ids that the role reads.
        shipped: The ids by ``tokenizer.json``.
    """

    text: str
    read: tuple[int, ...]
    shipped: tuple[int, ...]


class ShippedTokenizers:
    """Tokenizers by the files of checkpoints alone; folders with equal files share one."""

    def __init__(self) -> None:
        self._of_content: dict[bytes, Tokenizer] = {}

    def of(self, folder: Path) -> Tokenizer | None:
        """The tokenizer of ``tokenizer.json`` in ``folder``, or None where there is none."""
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
    """What the tokenizer of ``role`` reads otherwise than its ``tokenizer.json``.

    What the file puts after a text is no difference, since it is never part of a prompt. Where the
    checkpoint has no ``tokenizer.json``, there is nothing to compare with.
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
        TokenizerDifference(text, tuple(ids), tuple(own)) for text, ids, own in pairs if ids != own
    )


def tokenizer_notes(roles: Iterable[OpenedRole]) -> Iterator[str]:
    """One sentence for every way in which a role reads otherwise than its files say."""
    files, seen = ShippedTokenizers(), set[int]()
    for role in roles:
        if id(role.tokenizer) not in seen:
            seen.add(id(role.tokenizer))
            yield from _notes(role, tokenizer_differences(role, files))


def _notes(role: OpenedRole, found: tuple[TokenizerDifference, ...]) -> Iterator[str]:
    if found:
        first = found[0]
        yield (
            f"The tokenizer of the {role.name} reads {first.text!r} as {_listed(first.read)}, and "
            f"by its {TOKENIZER_FILE} it is {_listed(first.shipped)}; {len(found)} of the texts "
            "that are compared differ."
        )
    settings = _settings(role.tokenizer_folder)
    yield from _beginning(role, settings)
    yield from _prefix_space(role, settings)


def _settings(folder: Path) -> dict[str, Any]:
    """What ``tokenizer_config.json`` says; nothing where there is none beside the tokenizer."""
    path = folder / "tokenizer_config.json"
    if not path.is_file() or not (folder / TOKENIZER_FILE).is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _beginning(role: OpenedRole, settings: dict[str, Any]) -> Iterator[str]:
    named, token = settings.get("add_bos_token"), role.tokenizer.bos_token
    put = role.tokenizer.bos_token_id in role.tokenizer.backend_tokenizer.encode("a").ids[:1]
    if isinstance(named, bool) and token and named is not put:
        yield (
            f"By the tokenizer_config.json of the {role.name} “{token}” is "
            f"{'put' if named else 'not put'} before every text, by its {TOKENIZER_FILE} it is "
            f"{'put there' if put else 'not'}: {TOKENIZER_FILE} is followed."
        )


def _prefix_space(role: OpenedRole, settings: dict[str, Any]) -> Iterator[str]:
    named = settings.get("add_prefix_space")
    first = _first_token(role.tokenizer)
    put = first.startswith(_PREFIX_SPACES)
    if isinstance(named, bool) and first and named is not put:
        yield (
            f"By the tokenizer_config.json of the {role.name} a space is "
            f"{'put' if named else 'not put'} before every text, by its {TOKENIZER_FILE} it is "
            f"{'put there' if put else 'not'}: {TOKENIZER_FILE} is followed."
        )


def _first_token(tokenizer: PreTrainedTokenizerBase) -> str:
    tokens: list[str] = tokenizer.backend_tokenizer.encode("a", add_special_tokens=False).tokens
    return tokens[0] if tokens else ""


def _listed(ids: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, ids[:8]))
    return f"[{shown}{', …' if len(ids) > 8 else ''}]"
