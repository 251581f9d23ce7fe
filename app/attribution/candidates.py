"""Candidates: the most probable tokens at one position, their stored logits and their table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.attribution.row_statistics import (
    Floats,
    Ids,
    log_normalizers,
    rank,
    ranks,
    rows_between,
    top,
)
from app.attribution.shapley import MOST_EXACT_PAIRS, coalitions, contributions
from app.decoding.tuned_logits import Row, add_differences, scaled_differences
from app.decoding.types import FloatArray, RoleLogits

TOP_TUNED, TOP_ROLE = 50, 24
"""Number of the most probable tokens of the tuned distribution, and of each role, to keep."""

_AT_ONCE_BYTES = 2**20
"""Bytes of rows that are reduced together, chosen to fit into a processor's cache."""

_LEAST_TAIL = 40.0
"""Lower bound of the log-probability, in nats, of all tokens outside the candidates."""


@dataclass(frozen=True, slots=True, eq=False)
class CandidateRows:
    """Raw logits of the candidates, and the normalizers that their probabilities need.

    For the alphas that the token was sampled with, all values are exact. For other alphas the
    normalizers are estimated; see :meth:`with_alphas`.

    Attributes:
        alphas: The α of each pair when the token was sampled, [P].
        token_ids: Ids of the candidates, [C], by descending tuned probability.
        base: Raw logits of the base, [C].
        experts: Raw logits of the experts, [P, C]; ``antiexperts`` likewise.
        log_normalizers: Log-normalizers of the rows of the base, the experts and the anti-experts,
            [1 + 2P].
        coalition_log_normalizers: Log-normalizers of the tuned rows of ``coalitions(P).members``,
            [S]. The first coalition is empty and has the base's row; the last has all pairs.
        rank_base: Ranks under the base, [C], from 1; ``rank_tuned`` likewise.
        estimated: Whether normalizers and ranks after tuning are estimates.
    """

    alphas: tuple[float, ...]
    token_ids: NDArray[np.int32]
    base: FloatArray
    experts: FloatArray
    antiexperts: FloatArray
    log_normalizers: Floats
    coalition_log_normalizers: Floats
    rank_base: NDArray[np.int32]
    rank_tuned: NDArray[np.int32]
    estimated: bool = False

    @property
    def differences(self) -> Floats:
        """d_i = s⁺_i − s⁻_i, [P, C]; 0 where the token is masked."""
        with np.errstate(invalid="ignore"):
            differences = self.experts.astype(np.float64) - self.antiexperts
        return np.nan_to_num(differences, copy=False)  # −inf − −inf

    @property
    def pairs_were_read(self) -> bool:
        """Whether the pairs read the position; where they were skipped, all rows are the base's."""
        others = [*self.experts, *self.antiexperts]
        return not others or not all(np.array_equal(row, self.base) for row in others)

    @property
    def coverage(self) -> float:
        """Total probability of the base's row, for a base that returns only some tokens."""
        return min(1.0, float(np.exp(self.log_normalizers[0])))

    def tuned(self, alphas: Sequence[float]) -> Floats:
        """The tuned logits of the candidates for other alphas, [C]."""
        return self.base + np.asarray(alphas, dtype=np.float64) @ self.differences

    @property
    def coalition_logprobs(self) -> Floats:
        """Log-probabilities of the candidates under ``coalitions(P).members``, [S, C]."""
        members, weights = coalitions(len(self.alphas)).members, np.asarray(self.alphas)
        tuned = np.array([self.tuned(weights * s) for s in members])
        found: Floats = tuned - self.coalition_log_normalizers[:, None]
        return found

    def log_normalizer(self, alphas: Sequence[float]) -> float:
        """Estimate the log-normalizer of the tuned row for other alphas.

        The sum over the candidates is exact. The logarithm of the sum over all other tokens is
        interpolated linearly in the α of each pair, between its values with and without that pair.
        """
        return float(self.log_normalizers_at(np.asarray([alphas], np.float64))[0])

    def log_normalizers_at(self, alphas: Floats) -> Floats:
        """:meth:`log_normalizer` for N tuples of alphas, [N, P]; [N]."""
        inside = log_normalizers(self.base + alphas @ self.differences)
        found: Floats = np.logaddexp(inside, self._log_tails(alphas))
        return found

    def with_alphas(self, alphas: Sequence[float]) -> CandidateRows:
        """These candidates for other alphas; normalizers and ranks are estimates."""
        order = np.argsort(-self.tuned(alphas), kind="stable")
        weights = np.asarray(alphas, dtype=np.float64)
        return CandidateRows(
            alphas=tuple(alphas),
            token_ids=self.token_ids[order],
            base=self.base[order],
            experts=self.experts[:, order],
            antiexperts=self.antiexperts[:, order],
            log_normalizers=self.log_normalizers,
            coalition_log_normalizers=np.array(
                [self.log_normalizer(weights * s) for s in coalitions(len(alphas)).members]
            ),
            rank_base=self.rank_base[order],
            rank_tuned=np.arange(1, len(order) + 1, dtype=np.int32),
            estimated=True,
        )

    def _log_tails(self, alphas: Floats) -> Floats:
        """The logarithms of the sums over all other tokens for N tuples of alphas, [N]."""
        members = coalitions(len(self.alphas)).members
        old = np.asarray(self.alphas, dtype=np.float64)
        inside = log_normalizers(self.base + (members * old) @ self.differences)
        tails = np.array(
            [
                _log_difference(whole, part)
                for whole, part in zip(self.coalition_log_normalizers, inside, strict=True)
            ]
        )
        shares = np.divide(alphas, old, out=np.zeros_like(alphas), where=old != 0.0)
        if len(old) > MOST_EXACT_PAIRS:  # coalitions are missing: interpolate along the diagonal
            along: Floats = tails[0] + shares.mean(axis=1) * (tails[-1] - tails[0])
            return along
        weights = np.where(members, shares[:, None], 1 - shares[:, None]).prod(axis=2)
        found: Floats = weights @ tails
        return found


@dataclass(frozen=True, slots=True, eq=False)
class CandidateTable:
    """Probabilities, ranks and contributions of the candidates at one position.

    Attributes:
        token_ids: Ids of the candidates, [C], by descending tuned probability.
        p_base: Probabilities under the base, [C]; ``p_tuned`` likewise.
        p_experts: Probabilities under the experts, [P, C]; ``p_antiexperts`` likewise.
        contributions: Contributions of the pairs, [P, C]; they add up to ``p_tuned − p_base``.
        logprob_contributions: Contributions to the log-probability, [P, C], in nats.
        rank_base: Ranks under the base, [C], from 1; ``rank_tuned`` likewise.
        exact: False if contributions are sampled (more than six pairs).
        estimated: Whether tuned probabilities are estimated from the candidates alone.
    """

    token_ids: NDArray[np.int32]
    p_base: Floats
    p_tuned: Floats
    p_experts: Floats
    p_antiexperts: Floats
    contributions: Floats
    logprob_contributions: Floats
    rank_base: NDArray[np.int32]
    rank_tuned: NDArray[np.int32]
    exact: bool
    estimated: bool


def keep_candidates(
    logits: RoleLogits,
    alphas: Sequence[float],
    token_id: int,
    top_tuned: int = TOP_TUNED,
    top_role: int = TOP_ROLE,
) -> CandidateRows:
    """Reduce the rows of one position to ``token_id`` and the most probable tokens of every role.

    Args:
        logits: Raw rows of every role, each [V].
        alphas: The α of each pair, [P].
        token_id: The sampled token, which is always a candidate.
        top_tuned: The number of the most probable tokens of the tuned distribution to keep.
        top_role: The number of the most probable tokens of each role to keep.
    """
    return keep_candidates_of([logits], alphas, [token_id], top_tuned, top_role)[0]


def keep_candidates_of(
    positions: Sequence[RoleLogits],
    alphas: Sequence[float],
    token_ids: Sequence[int],
    top_tuned: int = TOP_TUNED,
    top_role: int = TOP_ROLE,
) -> list[CandidateRows]:
    """Apply :func:`keep_candidates` to several positions with the same alphas.

    A few operations on stacked rows release Python's lock less often than many on single rows; the
    decoding thread waits for that lock.
    """
    if not positions:
        return []
    at_once = max(_AT_ONCE_BYTES // positions[0].nbytes, 1)
    return [
        candidates
        for first in range(0, len(positions), at_once)
        for candidates in _keep_at_once(
            _stacked(positions[first : first + at_once]),
            alphas,
            token_ids[first : first + at_once],
            top_tuned,
            top_role,
        )
    ]


def _keep_at_once(
    logits: RoleLogits,
    alphas: Sequence[float],
    token_ids: Sequence[int],
    top_tuned: int,
    top_role: int,
) -> Iterator[CandidateRows]:
    """The candidates of N positions whose rows are stacked, [N, V] for each role."""
    added = scaled_differences(logits, alphas)
    tuned = add_differences(logits.base, added)
    roles = [logits.base, *logits.experts, *logits.antiexperts]
    distinct = {id(rows): rows for rows in roles}
    tops = [top(tuned, top_tuned), *(top(rows, top_role) for rows in distinct.values())]
    known = {
        key: log_normalizers(rows, _highest(rows, best))
        for (key, rows), best in zip(distinct.items(), tops[1:], strict=True)
    }
    of_roles = np.stack([known[id(rows)] for rows in roles], axis=1)
    between = [log_normalizers(rows) for rows in rows_between(logits.base, added)]
    of_tuned = [log_normalizers(tuned, _highest(tuned, tops[0]))] if alphas else []
    of_coalitions = np.stack([of_roles[:, 0], *between, *of_tuned], axis=1)
    for place, token_id in enumerate(token_ids):
        ids = np.concatenate([best[place] for best in tops])
        ids = np.union1d(ids[np.isfinite(logits.base[place, ids])], [token_id])
        ids = ids[np.argsort(-tuned[place, ids], kind="stable")].astype(np.int32)
        kept = np.array([rows[place, ids] for rows in roles], np.float32)
        yield CandidateRows(
            alphas=tuple(alphas),
            token_ids=ids,
            base=kept[0],
            experts=kept[1 : 1 + len(alphas)],
            antiexperts=kept[1 + len(alphas) :],
            log_normalizers=of_roles[place],
            coalition_log_normalizers=of_coalitions[place],
            rank_base=ranks(logits.base[place], ids),
            rank_tuned=ranks(tuned[place], ids),
        )


def with_token(rows: CandidateRows, logits: RoleLogits, token_id: int) -> CandidateRows:
    """The candidates with one token more, whose values come from the kept rows of the position.

    Args:
        rows: The candidates.
        logits: Raw rows of every role at the same position, each [V].
        token_id: Any id of the vocabulary.
    """
    if token_id in rows.token_ids:
        return rows
    tuned = add_differences(logits.base, scaled_differences(logits, rows.alphas))

    def more(values: Sequence[FloatArray]) -> FloatArray:
        return np.array([[row[token_id]] for row in values], np.float32).reshape(-1, 1)

    return replace(
        rows,
        token_ids=np.append(rows.token_ids, np.int32(token_id)),
        base=np.append(rows.base, np.float32(logits.base[token_id])),
        experts=np.concatenate([rows.experts, more(logits.experts)], axis=1),
        antiexperts=np.concatenate([rows.antiexperts, more(logits.antiexperts)], axis=1),
        rank_base=np.append(rows.rank_base, np.int32(rank(logits.base, token_id))),
        rank_tuned=np.append(rows.rank_tuned, np.int32(rank(tuned, token_id))),
    )


def tabulate(rows: CandidateRows) -> CandidateTable:
    """The probabilities, ranks and contributions of the candidates."""
    pairs = len(rows.alphas)
    logprobs = rows.coalition_logprobs
    shares = contributions(pairs, logprobs)
    return CandidateTable(
        token_ids=rows.token_ids,
        p_base=np.exp(rows.base - rows.log_normalizers[0]),
        p_tuned=np.exp(logprobs[-1]),
        p_experts=np.exp(rows.experts - rows.log_normalizers[1 : pairs + 1, None]),
        p_antiexperts=np.exp(rows.antiexperts - rows.log_normalizers[pairs + 1 :, None]),
        contributions=shares.probability,
        logprob_contributions=shares.logprob,
        rank_base=rows.rank_base,
        rank_tuned=rows.rank_tuned,
        exact=coalitions(pairs).exact,
        estimated=rows.estimated,
    )


def _stacked(positions: Sequence[RoleLogits]) -> RoleLogits:
    """The rows of several positions, stacked to [N, V] for each role; shared rows stay shared."""
    known: dict[tuple[int, ...], FloatArray] = {}

    def stack(rows: Sequence[FloatArray]) -> FloatArray:
        key = tuple(map(id, rows))
        if key not in known:
            known[key] = np.stack(rows) if len(rows) > 1 else rows[0][None]
        return known[key]

    return RoleLogits(
        stack([logits.base for logits in positions]),
        tuple(map(stack, zip(*(logits.experts for logits in positions), strict=True))),
        tuple(map(stack, zip(*(logits.antiexperts for logits in positions), strict=True))),
    )


def _highest(rows: Row, tops: Sequence[Ids]) -> Row:
    """The highest logit of each of ``rows``, [N, V], whose top ids are known; [N]."""
    return np.array(
        [row[ids[0]] if ids.size else row.max() for row, ids in zip(rows, tops, strict=True)]
    )


def _log_difference(whole: float, part: float) -> float:
    """log(exp(whole) − exp(part)), bounded below."""
    gap = min(part - whole, 0.0)
    return whole + float(max(np.log1p(-np.exp(gap)) if gap < 0 else -_LEAST_TAIL, -_LEAST_TAIL))
