"""Coalitions of expert pairs, and the Shapley values of the pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_EXACT_PAIRS = 6
_SAMPLED_PERMUTATIONS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Coalitions:
    """Coalitions of pairs, and the coefficients that turn a set function into Shapley values.

    Attributes:
        members: [C, P] of bool; the first row is the empty set, the last is all pairs.
        coefficients: [P, C]; the value of pair i is ``coefficients[i] @ f(members)``.
        exact: False where permutations were sampled.
    """

    members: NDArray[np.bool_]
    coefficients: NDArray[np.float64]
    exact: bool


class Contributions(NamedTuple):
    """Contributions of the pairs to a token, or to T tokens: [P] or [P, T] each.

    Attributes:
        probability: They add up to the change of the probability.
        logprob: They add up to the change of the log-probability, in nats.
    """

    probability: NDArray[np.float64]
    logprob: NDArray[np.float64]


@lru_cache(maxsize=32)
def coalitions(pairs: int) -> Coalitions:
    """All 2^P coalitions of up to six pairs; for more pairs, those of sampled permutations.

    The coefficients are c_i = Σ_{S∌i} |S|! (P−|S|−1)! / P! (f(S∪i) − f(S)).
    Source: Shapley, A Value for n-Person Games, 1953; sampling as in Castro et al., 2009. In both
    cases the values add up to f(all) − f(∅) exactly.
    """
    return _enumerated(pairs) if pairs <= MOST_EXACT_PAIRS else _sampled(pairs)


def contributions(pairs: int, logprobs: Sequence[float] | NDArray[np.float64]) -> Contributions:
    """The Shapley values of the pairs in the probability and in the log-probability of tokens.

    The latter are 0 where a token is impossible whatever the pairs do, and NaN where only some
    coalitions make it impossible.

    Args:
        pairs: The number of pairs, P.
        logprobs: Log-probabilities under each of ``coalitions(P).members``, [C] or [C, T].
    """
    coefficients, known = coalitions(pairs).coefficients, np.asarray(logprobs)
    with np.errstate(invalid="ignore"):
        in_log = coefficients @ known
    impossible = np.isneginf(known).all(axis=0)
    return Contributions(coefficients @ np.exp(known), np.where(impossible, 0.0, in_log))


def _enumerated(pairs: int) -> Coalitions:
    members = np.array(
        [[bool(subset >> pair & 1) for pair in range(pairs)] for subset in range(2**pairs)]
    ).reshape(2**pairs, pairs)
    sizes = members.sum(axis=1)
    factor = [factorial(s) * factorial(pairs - s - 1) / factorial(pairs) for s in range(pairs)]
    present = np.array([factor[size - 1] if size else 0.0 for size in sizes])
    absent = np.array([factor[size] if size < pairs else 0.0 for size in sizes])
    coefficients = np.where(members.T, present, -absent)
    return Coalitions(members, coefficients, exact=True)


def _sampled(pairs: int) -> Coalitions:
    random = np.random.default_rng(0)
    orders = [random.permutation(pairs) for _ in range(_SAMPLED_PERMUTATIONS // 2)]
    orders += [order[::-1] for order in orders]  # antithetic pairs halve the variance
    places = {frozenset[int](): 0}
    steps: list[tuple[int, int, int]] = []
    for order in orders:
        inside = frozenset[int]()
        for pair in map(int, order):
            grown = inside | {pair}
            places.setdefault(grown, len(places))
            steps.append((pair, places[inside], places[grown]))
            inside = grown
    coefficients = np.zeros((pairs, len(places)))
    for pair, before, after in steps:
        coefficients[pair, after] += 1 / len(orders)
        coefficients[pair, before] -= 1 / len(orders)
    members = np.array([[pair in inside for pair in range(pairs)] for inside in places])
    everyone = places[frozenset(range(pairs))]
    last_is_everyone = [place for place in range(len(places)) if place != everyone] + [everyone]
    return Coalitions(members[last_is_everyone], coefficients[:, last_is_everyone], exact=False)
