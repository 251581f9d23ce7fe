"""How the tokens of a pair correspond to those of the base, by exact bytes."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.decoding.bridge.opinion import Opinion
from app.decoding.bridge.sorted_token_bytes import Ids, TokenBytes

_KEPT = 512
"""Tails whose tokens are kept, the newest."""
_FOR_LONGER = 1e-4
"""Share of the probability of a first piece that is set aside for all longer tokens of the base
which begin with it. The share cancels in the difference of expert and anti-expert."""
LEAST = 1e-30
"""A probability below any that matters, in place of 0, so that differences stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class TailTokens:
    """The tokens of the pair that go on where a token of the base ended inside of them.

    Attributes:
        pair_ids: The ids of the tokens that begin with the tail and are longer, [n].
        base_ids: For each, the token of the base that comes next, [n].
    """

    pair_ids: Tensor
    base_ids: Tensor


_NO_TAIL = TailTokens(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))


@dataclass(frozen=True, slots=True)
class _Sums:
    """The tokens of the base that several tokens of the pair lead to.

    Attributes:
        base_ids: Their ids, [m].
        pair_ids: The tokens of the pair that lead to them, [n].
        places: For each of these, the index in ``base_ids``, [n].
        kept: For each, the share of its probability that it gives, [n].
    """

    base_ids: Tensor
    pair_ids: Tensor
    places: Tensor
    kept: Tensor

    @classmethod
    def of(cls, first: Ids, size: int, kept: NDArray[np.float64]) -> _Sums:
        """From the token of the base for each id of the pair, ``size`` for none, [W]."""
        counts = np.bincount(first, minlength=size + 1)[:size]
        base_ids = np.flatnonzero(counts > 1)
        pair_ids = np.flatnonzero(np.isin(first, base_ids))
        places = np.searchsorted(base_ids, first[pair_ids])
        return cls(
            torch.from_numpy(base_ids),
            torch.from_numpy(pair_ids),
            torch.from_numpy(places),
            torch.from_numpy(kept[pair_ids].astype(np.float32)),
        )

    def of_tokens(self, probabilities: Tensor) -> Tensor:
        """The sums, [m], for probabilities of all tokens of the pair, [W]."""
        given = probabilities.index_select(0, self.pair_ids).mul_(self.kept)
        return torch.zeros(len(self.base_ids)).index_add_(0, self.places, given)


class VocabularyBridge:
    """The map from probabilities over the pair's tokens to probabilities over the base's.

    A token e of the pair gives its probability to φ(e), the longest token of the base that the
    bytes of e begin with (byte-prefix marginalization, arXiv 2607.22334). A token of the base that
    no token of the pair leads to shares the probability of its first piece: of the longest token
    of the pair that it begins with. The shares of a token are equal, and add up to it, so that a
    row stays a distribution; since expert and anti-expert have the same shares, these cancel in
    their difference.

    Args:
        base: The bytes of each id of the base, None for special tokens and padding, [V].
        pair: The bytes of each id of the pair, likewise, [W].
        base_ends: The end-of-sequence ids of the base.
        pair_ends: The end-of-sequence ids of the pair; both correspond to each other as a class.
        strict: Whether only tokens of exactly the same bytes correspond to each other.

    Attributes:
        opinions: An :class:`Opinion` for each id of the base, [V].
        exact: 1 for the ids of which the opinion is exact, otherwise 0, [V], float32.
        unknown: The ids of which there is no opinion.
        pieces: The first piece of each id of which the opinion is bounded, otherwise −1, [V].
    """

    def __init__(
        self,
        base: Sequence[bytes | None],
        pair: Sequence[bytes | None],
        base_ends: Collection[int],
        pair_ends: Collection[int],
        *,
        strict: bool = False,
    ) -> None:
        self.base = TokenBytes(base)
        self.pair = TokenBytes(pair)
        self.strict = strict
        self._tails: dict[tuple[bytes, tuple[int, ...]], TailTokens] = {}
        first = _same_tokens(self.base, self.pair) if strict else self._first_tokens()
        pieces = np.full(len(base), -1, np.int64) if strict else self._first_pieces(first)
        ends, other_ends, pair_ends = self._end(first, pieces, base_ends, pair_ends)
        self.opinions = _opinions(first, pieces, self.base)
        self.exact = torch.from_numpy((self.opinions == Opinion.EXACT).astype(np.float32))
        self.unknown = torch.from_numpy(np.flatnonzero(self.opinions == Opinion.NONE))
        self.pieces = pieces
        self._first = first
        sharing = np.bincount(pieces[pieces >= 0], minlength=len(pair))
        for_longer = np.where(first < len(base), _FOR_LONGER, 1.0) * (sharing > 0)
        if other_ends:
            for_longer[pair_ends] = _FOR_LONGER
        self._lost = torch.from_numpy(np.flatnonzero((first == len(base)) & (sharing == 0)))
        self._sums = _Sums.of(first, len(base), 1.0 - for_longer)
        source, shares = _sources(first, pieces, for_longer, sharing)
        self._source = torch.from_numpy(source.astype(np.int32))
        self._log_shares = torch.from_numpy(np.log(shares).astype(np.float32))
        self._end_id, self._other_ends = ends, torch.tensor(other_ends, dtype=torch.int64)
        self._other_end_share = math.log(_FOR_LONGER / (1 - _FOR_LONGER) / max(len(other_ends), 1))

    def log_row(
        self, probabilities: Tensor, tail_ids: Tensor, tail_weights: Tensor
    ) -> tuple[Tensor, float]:
        """Logarithms of the probabilities of the base's tokens.

        Args:
            probabilities: Of each token of the pair where the text ends with one of its tokens,
                [W], in any unit.
            tail_ids: Tokens of the base that come next if the text ends inside a token of the pair,
                [n], also several times.
            tail_weights: Their probabilities in the same unit, [n].

        Returns:
            The logarithms, [V], and the unit: what they add up to. What no token of the base
            begins with is missing.
        """
        total = float(probabilities.sum() - probabilities[self._lost].sum() + tail_weights.sum())
        total = max(total, LEAST)
        logs = torch.empty(len(self.pair) + 1)
        torch.mul(probabilities, 1.0 / total, out=logs[:-1]).clamp_(min=LEAST).log_()
        logs[-1] = 0.0
        row = logs.index_select(0, self._source).add_(self._log_shares)
        sums = self._sums.of_tokens(probabilities).div_(total)
        row.index_copy_(0, self._sums.base_ids, sums.clamp_(min=LEAST).log_())
        if len(tail_ids):
            ids, places = tail_ids.unique(return_inverse=True)
            added = torch.zeros(len(ids)).index_add_(0, places, tail_weights, alpha=1.0 / total)
            # in logarithms: the least of a row are too small for float32, whose 0 would be −∞
            row.index_copy_(0, ids, torch.logaddexp(row[ids], added.log_()))
        if len(self._other_ends):
            row[self._other_ends] = row[self._end_id] + self._other_end_share
        return row, total

    def after_tail(self, tail: bytes, tokens: Sequence[int]) -> TailTokens:
        """The tokens of the pair that begin with ``tail``, and go on.

        Args:
            tail: The last bytes of a text.
            tokens: The text in tokens of the base. A token of the pair with which the text would
                have begun with a longer token of the base is none of those that are returned.
        """
        if self.strict or not self.pair.some_longer_than(tail):
            return _NO_TAIL
        around: tuple[int, ...] = ()
        size = 0
        while size < len(tail):
            around = (tokens[-len(around) - 1], *around)
            size += len(self.base[around[0]])
        found = self._tails.get((tail, around))
        if found is None:
            if len(self._tails) >= _KEPT:
                del self._tails[next(iter(self._tails))]
            found = self._tails[tail, around] = self._find_after_tail(tail, around)
        return found

    def first_token(self, index: int) -> int:
        """The token of the base that a token of the pair leads to; V where there is none."""
        return int(self._first[index])

    def _find_after_tail(self, tail: bytes, around: Sequence[int]) -> TailTokens:
        pair_ids, base_ids = [], []
        for index in self.pair.longer_than(tail).tolist():
            following = self.pair[index][len(tail) :]
            token = self.base.first_piece(following)
            if token is not None and self._are_first(around, following):
                pair_ids.append(index)
                base_ids.append(token)
        return TailTokens(
            torch.tensor(pair_ids, dtype=torch.int64), torch.tensor(base_ids, dtype=torch.int64)
        )

    def _are_first(self, tokens: Sequence[int], following: bytes) -> bool:
        """Whether each of ``tokens`` is the longest at its place with ``following`` after them."""
        for token in reversed(tokens):
            following = self.base[token] + following
            if self.base.first_piece(following) != token:
                return False
        return True

    def _first_tokens(self) -> Ids:
        """φ: the token of the base for each id of the pair, [W]; V where there is none."""
        none = len(self.base)
        found = (self.base.first_piece(self.pair[index]) for index in range(len(self.pair)))
        return np.array([none if index is None else index for index in found], np.int64)

    def _first_pieces(self, first: Ids) -> Ids:
        """The first piece of each id of the base that no token of the pair leads to, [V], or −1."""
        pieces = np.full(len(self.base), -1, np.int64)
        reached = set(first.tolist())
        for index in self.base.ids():
            if index not in reached:
                piece = self.pair.first_piece(self.base[index])
                pieces[index] = -1 if piece is None else piece
        return pieces

    def _end(
        self, first: Ids, pieces: Ids, base_ends: Collection[int], pair_ends: Collection[int]
    ) -> tuple[int, list[int], list[int]]:
        """Let end-of-sequence tokens correspond to each other as a class.

        All of the base have the difference of the whole class, whichever of the pair's ends a turn.

        Returns:
            The id of the base that the pair's lead to, the others of the base, and the pair's.
        """
        base = sorted(index for index in base_ends if index < len(self.base))
        pair = sorted(index for index in pair_ends if index < len(self.pair))
        if not base or not pair:
            return 0, [], []
        first[pair] = base[0]
        pieces[base[0]] = -1
        reached = set(first.tolist())
        others = [index for index in base[1:] if index not in reached]
        pieces[others] = pair[0]
        return base[0], others, pair


def _same_tokens(base: TokenBytes, pair: TokenBytes) -> Ids:
    """The token of the base of the same bytes for each id of the pair, [W]; V if there is none."""
    none = len(base)
    found = (base.id_of(pair[index]) for index in range(len(pair)))
    return np.array([none if index is None else index for index in found], np.int64)


def _sources(
    first: Ids, pieces: Ids, for_longer: NDArray[np.float64], sharing: Ids
) -> tuple[Ids, NDArray[np.float64]]:
    """The token of the pair that each id of the base has its probability from, and its share.

    Tokens that several of the pair lead to have one of them; those of which there is no opinion
    have W, which stands for a probability of 1.
    """
    nothing = len(first)
    source = np.where(pieces >= 0, pieces, nothing)
    shares = np.append(for_longer / np.maximum(sharing, 1), LEAST)[source]
    leading = np.flatnonzero(first < len(pieces))
    known, index = np.unique(first[leading], return_index=True)
    source[known] = leading[index]
    shares[known] = 1.0 - for_longer[source[known]]
    return source, shares


def _opinions(first: Ids, pieces: Ids, base: TokenBytes) -> NDArray[np.uint8]:
    """What the pair can say of each id of the base; all end-of-sequence ids are one class."""
    opinions = np.full(len(pieces), Opinion.NONE, np.uint8)
    opinions[pieces >= 0] = Opinion.EXACT
    for index in np.flatnonzero(pieces >= 0):
        if base[int(index)]:
            opinions[index] = Opinion.BOUNDED
    opinions[first[first < len(pieces)]] = Opinion.EXACT
    return opinions
