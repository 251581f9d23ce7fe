"""Shares of sample texts that were computed before, by the content of both tokenizers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from app.checkpoints.preflight_report import TextShare
from app.checkpoints.vocabulary.tokens import RoleTokens

Shares = tuple[TextShare, ...]

_MOST = 64


class KeptShares:
    """Remembers how much of sample texts pairs of other vocabularies read exactly.

    Finding it takes about a second for large vocabularies, and a recipe is checked again whenever
    its prompt changes.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Shares | None] = {}

    def of(
        self, base: RoleTokens, role: RoleTokens, *, strict: bool, find: Callable[[], Shares | None]
    ) -> Shares | None:
        """The shares of a role, or None if it cannot be bridged.

        Args:
            base: The tokens of the base.
            role: The tokens of the role.
            strict: Whether only tokens of the same bytes correspond to each other.
            find: Computes them where they are not known.
        """
        key = _digest(base) + _digest(role) + bytes([strict])
        if key not in self._known:
            if len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[key] = find()
        return self._known[key]


def _digest(role: RoleTokens) -> bytes:
    """A digest of all that decides which tokens a text becomes, and what they spell."""
    tokens = role.tokens
    found = hashlib.sha256("\0".join(token or "" for token in tokens.spelling).encode())
    found.update(repr((role.rows, sorted(role.end_ids))).encode())
    special = [(index, token.content, token.special) for index, token in tokens.added.items()]
    found.update(repr(sorted(special)).encode())
    for name, part in sorted(tokens.parts.items()):
        found.update(name.encode() + part)
    return found.digest()
