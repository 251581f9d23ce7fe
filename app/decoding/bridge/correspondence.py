"""Texts in tokens of the base beside the same texts in tokens of the pair. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.pair_text import PairText
from app.decoding.bridge.sorted_token_bytes import TokenBytes


@dataclass(frozen=True, slots=True)
class PlacedToken:
    """A token in a text.

    Attributes:
        token_id: Its id.
        spelled: Its bytes; empty for a special token of the base.
        start: The bytes of the text before it.
    """

    token_id: int
    spelled: bytes
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.spelled)


@dataclass(frozen=True, slots=True)
class Block:
    """The tokens between two places of a text at which tokens of both vocabularies end.

    Attributes:
        base: Tokens of the base.
        opinions: What the pair can say of each of them.
        pair: Tokens of the pair for the same bytes.
    """

    base: tuple[PlacedToken, ...]
    opinions: tuple[Opinion, ...]
    pair: tuple[PlacedToken, ...]


@dataclass(frozen=True, slots=True)
class AlignedText:
    """A text in tokens of the base and in tokens of the pair.

    Attributes:
        base: Its tokens in the vocabulary of the base.
        opinions: What the pair can say of each of them.
        pair: Its tokens in the vocabulary of the pair.
    """

    base: tuple[PlacedToken, ...]
    opinions: tuple[Opinion, ...]
    pair: tuple[PlacedToken, ...]

    def count(self, opinion: Opinion) -> int:
        """The number of tokens of the base of which the pair can say as much."""
        return self.opinions.count(opinion)

    @property
    def at_boundaries(self) -> int:
        """How many tokens of the base begin where a token of the pair begins."""
        starts = {token.start for token in self.pair}
        return sum(token.start in starts for token in self.base if token.spelled)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The text between common boundaries; a special token of the base is a block alone."""
        found: list[Block] = []
        of_base, of_pair = 0, 0
        while of_base < len(self.base):
            first, other = of_base, of_pair
            end = self.base[of_base].end
            of_base += 1
            if end > self.base[first].start:
                while of_pair == other or self.pair[of_pair - 1].end != end:
                    if of_pair == other or self.pair[of_pair - 1].end < end:
                        of_pair += 1
                    else:
                        end = self.base[of_base].end
                        of_base += 1
            opinions = self.opinions[first:of_base]
            found.append(Block(self.base[first:of_base], opinions, self.pair[other:of_pair]))
        return tuple(found)


class Correspondence:
    """Shows texts in tokens of the base and of a pair, with what the pair can say of each.

    Args:
        base: The tokens of the base that the pair can read.
        pair: The tokens of the pair, with one for every byte of those of the base.
        encode: Encodes a text in the middle of a text with the pair's tokenizer.
        opinion: What the pair can say of a token of the base.
    """

    def __init__(
        self,
        base: TokenBytes,
        pair: TokenBytes,
        encode: Callable[[str], Sequence[int]],
        opinion: Callable[[int], Opinion],
    ) -> None:
        self._base = base
        self._pair = pair
        self._encode = encode
        self._opinion = opinion

    def align(self, ids: Sequence[int]) -> AlignedText:
        """A text that is given in tokens of the base, in tokens of both."""
        base = _placed(ids, self._base)
        text = b"".join(token.spelled for token in base)
        pair = PairText(self._pair, self._encode).ids_of(text)[0]
        opinions = tuple(self._opinion(token.token_id) for token in base)
        return AlignedText(base, opinions, _placed(pair, self._pair))


class OpinionsOfFew:
    """Finds what a pair can say of single tokens of the base.

    A :class:`~app.decoding.bridge.vocabulary_bridge.VocabularyBridge` finds the same for all tokens
    at once; for those of a short text this takes a fraction of the time.

    Args:
        base: The tokens of the base that the pair can read.
        pair: The tokens of the pair.
        ends: The end-of-sequence ids of the base, and of the pair.
        strict: Whether only tokens of exactly the same bytes correspond to each other.
    """

    def __init__(
        self,
        base: TokenBytes,
        pair: TokenBytes,
        ends: tuple[Collection[int], Collection[int]],
        *,
        strict: bool = False,
    ) -> None:
        self._base = base
        self._pair = pair
        self._strict = strict
        self._ends = sorted(ends[0]) if ends[1] else []
        self._known: dict[int, Opinion] = {}

    def of(self, token: int) -> Opinion:
        """What the pair can say of a token of the base."""
        if token not in self._known:
            self._known[token] = self._find(token)
        return self._known[token]

    def _find(self, token: int) -> Opinion:
        if token in self._ends:  # they correspond as a class; another may be text as well
            first = token == self._ends[0] or not self._base[token]
            return Opinion.EXACT if first else Opinion.BOUNDED
        spelled = self._base[token]
        if not spelled or self._base.id_of(spelled) != token:
            return Opinion.NONE
        if self._pair.id_of(spelled) is not None:
            return Opinion.EXACT
        if self._strict:
            return Opinion.NONE
        longer = self._pair.longer_than(spelled).tolist()
        if any(self._base.first_piece(self._pair[index]) == token for index in longer):
            return Opinion.EXACT
        return Opinion.NONE if self._pair.first_piece(spelled) is None else Opinion.BOUNDED


def _placed(ids: Sequence[int], tokens: TokenBytes) -> tuple[PlacedToken, ...]:
    found = []
    start = 0
    for index in ids:
        found.append(PlacedToken(index, tokens[index], start))
        start = found[-1].end
    return tuple(found)
