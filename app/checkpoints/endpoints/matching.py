"""Matching of the tokens that a server returns to ids of the pair's vocabulary, by exact bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tokenizers import Tokenizer

from app.checkpoints.vocabulary.token_bytes import token_bytes
from app.decoding.remote import UnmatchedToken

Token = bytes | int | str
"""A token in a response: its bytes, its id, or text from which its bytes cannot be recovered."""

ABSENT, AMBIGUOUS, UNREADABLE, INSIDE = (
    "absent",
    "ambiguous",
    "not spelled in bytes",
    "inside a character",
)
_MOST_NAMED = 12


class Matcher:
    """Matches returned tokens to ids, and counts the unmatched ones.

    Args:
        tokenizer: The tokenizer of the pair.
        size: The vocabulary size.
        begin_id: The beginning-of-sequence id, or None.
        end_id: The end-of-sequence id, or None. An empty token at which a server stops matches it.
    """

    def __init__(
        self, tokenizer: Tokenizer, size: int, begin_id: int | None, end_id: int | None
    ) -> None:
        self._begin_id = begin_id
        self._tokenizer = tokenizer
        self._size = size
        self._end_id = end_id
        self._bytes = token_bytes(tokenizer, size)
        often = Counter(spelled for spelled in self._bytes if spelled is not None)
        self._id_of = {
            spelled: index
            for index, spelled in enumerate(self._bytes)
            if spelled is not None and often[spelled] == 1
        }
        self._ambiguous = {spelled for spelled, times in often.items() if times > 1}
        self._left_out = Counter[tuple[str, str]]()

    def begin(self) -> None:
        """Reset the counts of :meth:`unmatched`."""
        self._left_out.clear()

    def unmatched(self) -> tuple[UnmatchedToken, ...]:
        """The unmatched tokens since :meth:`begin`, most frequent first."""
        return tuple(
            UnmatchedToken(token, reason, times)
            for (token, reason), times in self._left_out.most_common(_MOST_NAMED)
        )

    def match(
        self, position: Mapping[Token, float], *, whole: bool, ends: bool
    ) -> dict[int, float]:
        """The log-probabilities of one position, by id; unmatched tokens are left out.

        Args:
            position: The returned tokens with their log-probabilities.
            whole: Whether prompts are sent as text, so that a token must not end inside a
                character.
            ends: Whether the server stopped at the most probable of the tokens.
        """
        best = max(position, key=position.__getitem__, default=None)
        found: dict[int, float] = {}
        for token, value in position.items():
            index = self._id(token, whole, ends and token == best)
            if index is not None:
                found[index] = max(value, found.get(index, value))
        return found

    def _id(self, token: Token, whole: bool, ends: bool) -> int | None:
        if token == b"" and ends and self._end_id is not None:
            return self._end_id
        index = self._known(token)
        reason = self._why_not(token, index, whole)
        if reason:
            shown = token.decode(errors="backslashreplace") if isinstance(token, bytes) else token
            self._left_out[str(shown), reason] += 1
        return None if reason else index

    def _known(self, token: Token) -> int | None:
        if isinstance(token, bytes):
            return self._id_of.get(token)
        there = isinstance(token, int) and token < self._size and self._bytes[token] is not None
        return int(token) if there else None

    def _why_not(self, token: Token, index: int | None, whole: bool) -> str:
        if isinstance(token, str) or token == b"":
            return UNREADABLE
        if isinstance(token, bytes) and token in self._ambiguous:
            return AMBIGUOUS
        if index is None:
            return ABSENT
        return INSIDE if whole and isinstance(token, bytes) and not _is_text(token) else ""

    def spelled(self, index: int) -> bytes:
        """The bytes of an id; empty if there is no such id."""
        return (self._bytes[index] if index < self._size else None) or b""

    def text(self, ids: Sequence[int]) -> str | None:
        """The text of ``ids``, or None if it ends inside a character.

        The beginning-of-sequence token is left out: a server that is sent text adds its own.
        """
        ids = ids[1:] if ids and ids[0] == self._begin_id else ids
        if not _is_text(b"".join(map(self.spelled, ids))):
            return None
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=False)
        return text


def _is_text(spelled: bytes) -> bool:
    try:
        spelled.decode()
    except UnicodeDecodeError:
        return False
    return True
