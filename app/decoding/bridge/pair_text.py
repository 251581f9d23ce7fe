"""The tokens that the pair's tokenizer gives for a text of bytes that grows and is cut."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from app.decoding.bridge.beginnings import common_length
from app.decoding.bridge.sorted_token_bytes import TokenBytes

_OVERLAP = 48
"""Bytes before the end of what is known that are encoded again, since tokens may merge."""
_AGREEING = 3
"""Tokens of what is known that must come out again, or the whole text is encoded."""


class PairText:
    """A text in tokens of the pair, encoded again from near its end where it changes.

    The tokens are those of the pair's tokenizer for the whole text. Bytes that are no text, such as
    the first of a character whose others have not come yet, are the longest tokens that fit.

    Args:
        tokens: The tokens of the pair by their bytes, with a token for every byte.
        encode: Encodes a text in the middle of a text, without special tokens.
    """

    def __init__(self, tokens: TokenBytes, encode: Callable[[str], Sequence[int]]) -> None:
        self._tokens = tokens
        self._encode = encode
        self._text = b""
        self._ids: list[int] = []
        self._ends: list[int] = []

    def ids_of(self, text: bytes) -> tuple[list[int], list[int]]:
        """The tokens of ``text``, and the byte at which each of them ends."""
        if text != self._text:
            kept = self._restart(common_length(self._text, text))
            start = self._ends[kept - 1] if kept else 0
            known = self._ids[kept : kept + _AGREEING]
            ids = self._encode_bytes(text[start:])
            if kept and ids[: len(known)] != known:
                kept = start = 0
                ids = self._encode_bytes(text)
            self._ids[kept:] = ids
            self._ends[kept:] = accumulate((len(self._tokens[each]) for each in ids), initial=start)
            del self._ends[kept]
            self._text = text
        return self._ids, self._ends

    def _restart(self, agreed: int) -> int:
        """How many of the known tokens stay: those before a word, well before ``agreed`` bytes."""
        place = bisect_right(self._ends, agreed - _OVERLAP)
        while place > 0 and not self._begins_word(self._ends[place - 1]):
            place -= 1
        return place

    def _begins_word(self, at: int) -> bool:
        """Whether a space between two letters is at this byte: tokenizers split before it."""
        around = self._text[at - 1 : at + 2]
        return len(around) == 3 and around[1:2] == b" " and _is_letter(around[0], around[2])

    def _encode_bytes(self, text: bytes) -> list[int]:
        ids: list[int] = []
        start = 0
        while start < len(text):
            try:
                known, stop = text[start:].decode(), len(text)
                end = stop
            except UnicodeDecodeError as error:
                known, end = text[start : start + error.start].decode(), start + error.start
                stop = start + error.end
            if stop == len(text) and end < stop:
                return ids + self._encode_begun(text[start:], known)
            ids += self._encode_text(known, text[start:end])
            ids += self._tokens.pieces(text[end:stop])
            start = stop
        return ids

    def _encode_begun(self, text: bytes, known: str) -> list[int]:
        """The tokens of a text that ends inside a character: as if some character were there."""
        end = len(known.encode())
        completed = f"{known}{_character_of(text[end:])}"
        ids: list[int] = []
        size = 0
        for each in self._encode_text(completed, completed.encode()):
            if size + len(self._tokens[each]) > len(text):
                break
            ids.append(each)
            size += len(self._tokens[each])
        return [*ids, *self._tokens.pieces(text[size:])]

    def _encode_text(self, text: str, spelled: bytes) -> list[int]:
        """The tokens of ``text``; the longest that fit where a normalizer changes its bytes."""
        ids = list(self._encode(text)) if text else []
        if b"".join(self._tokens[each] for each in ids) == spelled:
            return ids
        return list(self._tokens.pieces(spelled))


def _is_letter(*values: int) -> bool:
    """Whether bytes are letters of English, or belong to characters outside ASCII."""
    return all(value >= 0x80 or chr(value).isalpha() for value in values)


def _character_of(begun: bytes) -> str:
    """The first character whose UTF-8 begins with these bytes; empty if there is none."""
    for second in (b"", b"\x80", b"\x90", b"\xa0"):  # what may follow depends on the first byte
        for more in range(3):
            try:
                return (begun + second + b"\x80" * more).decode()
            except UnicodeDecodeError:
                continue
    return ""
