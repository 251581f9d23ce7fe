"""Reduction of rows on the device where they are: the few numbers that are always shown of them.

Nothing here makes the host wait for the device, and no shape depends on a value, so that a
reduction can be part of a captured step. All numbers of a position are packed into one row of
int32, which is copied to the host at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.decoding.combining import Pair
from app.decoding.types import FloatArray, ReducedRows, RoleLogits

_IMPOSSIBLE = -1e30
"""A logit below the highest that replaces −∞, since 0 · −∞ is not a number."""


@dataclass(frozen=True, slots=True)
class RowReduction:
    """What is reduced, and how it is packed.

    Attributes:
        contexts: Number of model contexts, C.
        vocabulary_size: Columns of the rows, V.
        pairs: The expert pairs, by index into the model contexts.
        subsets: The subsets of the pairs whose tuned rows are normalized, [S, P]: the empty one
            first and, if there are pairs, the one of all pairs last.
        top_tuned: Number of the most probable tokens of the tuned distribution to keep.
        top_role: Number of the most probable tokens of each model context to keep.
    """

    contexts: int
    vocabulary_size: int
    pairs: tuple[Pair, ...]
    subsets: tuple[tuple[bool, ...], ...]
    top_tuned: int
    top_role: int

    def __call__(self, rows: Tensor, tokens: Tensor, alphas: Tensor) -> Tensor:
        """Reduce the rows of k positions.

        Args:
            rows: Raw logits of every model context, [C, k, V], float32; −inf at masked ids.
            tokens: The token of each position, [k].
            alphas: The α of each pair, [P], float32.

        Returns:
            [k, :attr:`length`], int32; see :meth:`unpack`.
        """
        base, added = rows[0], self._scaled_differences(rows, alphas)
        tuned = _sum(base, added)
        tops = [_top(tuned, self.top_tuned), *(_top(row, self.top_role) for row in rows)]
        ids = torch.cat([tokens[:, None], *tops], -1)
        at_base, at_tuned = base.gather(-1, ids), tuned.gather(-1, ids)
        between = [_Sums(_sum(base, compress(added, subset))).pair for subset in self.subsets[1:-1]]
        of_base, of_tuned = _Sums(base), _Sums(tuned)
        numbers = [
            *(row.gather(-1, ids) for row in rows),
            at_tuned,
            *(_Sums(row).pair for row in rows),
            *between,
            of_tuned.pair,
            of_base.mean(of_base.below),
            of_tuned.mean(of_tuned.below),
            of_tuned.mean(of_base.below),
        ]
        ranks = [_ranks(base, at_base), _ranks(tuned, at_tuned)]
        whole = [part.to(torch.int32) for part in [ids, *ranks]]
        return torch.cat([*whole, *(part.view(torch.int32) for part in numbers)], -1)

    def tuned(self, rows: Tensor, alphas: Tensor) -> Tensor:
        """The tuned rows, [..., V], of rows of every model context, [C, ..., V]."""
        return _sum(rows[0], self._scaled_differences(rows, alphas))

    @property
    def kept(self) -> int:
        """Number of ids whose logits are kept, K."""
        size = self.vocabulary_size
        return 1 + min(self.top_tuned, size) + self.contexts * min(self.top_role, size)

    @property
    def length(self) -> int:
        """Number of packed values of one position."""
        return sum(self._sizes())

    def unpack(self, packed: NDArray[np.int32]) -> ReducedRows:
        """The statistics of one position from its packed values, [:attr:`length`]."""
        ends = pairwise(accumulate(self._sizes(), initial=0))
        ids, rank_base, rank_tuned, *parts = (packed[start:end] for start, end in ends)
        numbers = [part.view(np.float32) for part in parts]
        rows, tuned = numbers[0].reshape(self.contexts, -1), numbers[1]
        of_contexts, of_between, of_tuned = (_normalizers(part) for part in numbers[2:5])
        base_below, tuned_below, base_below_of_tuned = map(float, numbers[5])
        log_total_base, log_total_tuned = (_log_total(numbers[place]) for place in (2, 4))
        experts = [pair.expert for pair in self.pairs]
        antiexperts = [pair.antiexpert for pair in self.pairs]
        of_subsets = [of_contexts[:1], of_between, of_tuned[: bool(self.pairs)]]
        apart = tuned_below - base_below_of_tuned
        return ReducedRows(
            token_ids=ids,
            logits=RoleLogits(
                rows[0],
                tuple(rows[place] for place in experts),
                tuple(rows[place] for place in antiexperts),
            ),
            tuned=tuned,
            rank_base=rank_base,
            rank_tuned=rank_tuned,
            argmax_base=int(ids[1 + min(self.top_tuned, self.vocabulary_size)]),
            argmax_tuned=int(ids[1]),
            log_normalizers=of_contexts[[0, *experts, *antiexperts]],
            subset_log_normalizers=np.concatenate(of_subsets),
            entropy_base=max(log_total_base - base_below, 0.0),
            entropy_tuned=max(log_total_tuned - tuned_below, 0.0),
            kl=max(apart - (log_total_tuned - log_total_base), 0.0),
        )

    def _sizes(self) -> list[int]:
        """Sizes of the packed parts of one position, in order."""
        kept, between = self.kept, len(self.subsets[1:-1])
        return [*(kept,) * 3, self.contexts * kept, kept, 2 * self.contexts, 2 * between, 2, 3]

    def _scaled_differences(self, rows: Tensor, alphas: Tensor) -> list[Tensor]:
        """The terms α_i d_i, [..., V] each, rounded as in :mod:`app.decoding.tuned_logits`."""
        return [
            torch.nan_to_num(rows[pair.expert] - rows[pair.antiexpert]) * alpha
            for pair, alpha in zip(self.pairs, alphas, strict=True)
        ]


class RowReducer:
    """Reduces the rows of a run, token by token, where they are on an accelerator.

    On a CPU nothing is reduced: there NumPy is faster, and there is nothing to copy.

    Args:
        reduction: What is reduced.
        keep_rows: Whether the rows are wanted on the host besides.
        everywhere: Whether rows on a CPU are reduced too, as tests do.
    """

    def __init__(
        self, reduction: RowReduction, *, keep_rows: bool, everywhere: bool = False
    ) -> None:
        self.keep_rows = keep_rows
        self.reduction = reduction
        self._everywhere = everywhere

    def applies_to(self, rows: Tensor) -> bool:
        """Whether ``rows`` are reduced."""
        return self._everywhere or rows.device.type == "cuda"

    def tuned(self, rows: Tensor, alphas: Sequence[float]) -> FloatArray:
        """The tuned row of one position, [V], on the host.

        Args:
            rows: Raw logits of every model context, [C, V].
            alphas: The α of each pair.
        """
        found: FloatArray = self.reduction.tuned(rows, _factors(rows, alphas)).cpu().numpy()
        return found

    def reduce(self, rows: Tensor, alphas: Sequence[float], token_id: int) -> ReducedRows:
        """The statistics of one position.

        Args:
            rows: Raw logits of every model context, [C, V].
            alphas: The α of each pair.
            token_id: The token of the position.
        """
        token = torch.tensor([token_id], device=rows.device)
        packed = self.reduction(rows[:, None], token, _factors(rows, alphas))
        return self.reduction.unpack(packed[0].cpu().numpy())


def _factors(rows: Tensor, alphas: Sequence[float]) -> Tensor:
    return torch.tensor(alphas, dtype=torch.float32, device=rows.device)


class _Sums:
    """Sums over rows, [k, V], relative to the highest logit of each."""

    def __init__(self, rows: Tensor) -> None:
        highest = rows.amax(-1, keepdim=True)
        self.below = (rows - highest).clamp_min(_IMPOSSIBLE)
        self._weights = self.below.exp()
        total = self._weights.sum(-1, keepdim=True)
        self.pair = torch.cat([highest, total], -1)
        """The highest logit and Σ_v exp(row_v − highest), [k, 2]."""
        self._total = total

    def mean(self, values: Tensor) -> Tensor:
        """The mean of ``values``, [k, V], under the distribution of the rows, [k, 1]."""
        return (self._weights * values).sum(-1, keepdim=True) / self._total


def _sum(base: Tensor, added: Iterable[Tensor]) -> Tensor:
    for term in added:
        base = base + term
    return base


def _top(rows: Tensor, count: int) -> Tensor:
    """The ids of the highest logits, [k, count], in descending order; ties with the lower id first.

    ``topk`` orders ties as it likes, so that logits and ids are made one number each.
    """
    size = rows.shape[-1]
    bits = (rows + 0.0).view(torch.int32)  # −0 becomes 0
    ordered = (bits ^ ((bits >> 31) & 0x7FFF_FFFF)).to(torch.int64)
    keys = ordered * 2**32 + torch.arange(size - 1, -1, -1, device=rows.device)
    return torch.topk(keys, min(count, size)).indices


def _ranks(rows: Tensor, values: Tensor) -> Tensor:
    """The rank of each of ``values``, [k, K]: 1 plus the number of higher logits in its row."""
    # A position at a time: the comparison takes K · V bytes.
    counts = [(row > each[:, None]).sum(-1) for row, each in zip(rows, values, strict=True)]
    return 1 + torch.stack(counts)


def _normalizers(pairs: NDArray[np.float32]) -> NDArray[np.float64]:
    highest, totals = pairs.reshape(-1, 2).astype(np.float64).T
    found: NDArray[np.float64] = highest + np.log(totals)
    return found


def _log_total(pairs: NDArray[np.float32]) -> float:
    return float(np.log(np.float64(pairs[1])))
