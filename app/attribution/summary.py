"""Totals of shifts, contributions and likelihoods over whole texts, which add up over texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.attribution.candidates import CandidateRows
from app.attribution.explained_token import ExplainedToken
from app.attribution.row_statistics import log_normalizer
from app.attribution.row_store import RowStore
from app.decoding.tuned_logits import Row
from app.decoding.types import RoleLogits


class RoleKind(StrEnum):
    """The kind of a distribution."""

    BASE = "base"
    TUNED = "tuned"
    EXPERT = "expert"
    ANTIEXPERT = "antiexpert"


@dataclass(frozen=True, slots=True)
class Role:
    """A distribution under which texts are scored; recipes share it if their pair names agree."""

    kind: RoleKind
    pair: str = ""


BASE, TUNED = Role(RoleKind.BASE), Role(RoleKind.TUNED)


@dataclass(slots=True)
class Likelihood:
    """The likelihood of a text under a role.

    Attributes:
        logprob: Sum of the log-probabilities of the tokens, in nats.
        tokens: The number of tokens.
        text_bytes: The length of their text in UTF-8.
    """

    logprob: float = 0.0
    tokens: int = 0
    text_bytes: int = 0

    @property
    def perplexity(self) -> float:
        """exp(−mean log-probability); NaN without tokens, infinite if a token has probability 0."""
        return _exp(-self.logprob / self.tokens) if self.tokens else math.nan

    @property
    def bits_per_byte(self) -> float:
        """Cross entropy in bits per byte of the text; NaN without text."""
        return -self.logprob / math.log(2) / self.text_bytes if self.text_bytes else math.nan

    def add(self, logprob: float, text: str) -> None:
        """Count one token."""
        self.logprob += logprob
        self.tokens += 1
        self.text_bytes += len(text.encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class PairTotal:
    """Sums of one pair's contributions and of their absolute values over ``tokens`` tokens."""

    contribution: float = 0.0
    size: float = 0.0
    tokens: int = 0

    @property
    def mean(self) -> float:
        """Mean contribution, in probability."""
        return self.contribution / self.tokens if self.tokens else math.nan

    @property
    def mean_size(self) -> float:
        """Mean absolute contribution, in probability."""
        return self.size / self.tokens if self.tokens else math.nan


@dataclass(frozen=True, slots=True)
class Influence:
    """The mean shift of one token over its occurrences.

    Attributes:
        name: The name of the token.
        count: The number of its occurrences.
        mean_shift: Mean of ``p_tuned − p_base`` over its occurrences.
    """

    name: str
    count: int
    mean_shift: float


@dataclass(slots=True)
class Tally:
    """Totals over the tokens of one or more texts.

    Attributes:
        tokens: The number of tokens.
        characters: The length of their text.
        given: The number of given tokens, which count like sampled ones.
        tuned: The number of tokens with an attribution; other tokens have no shift.
        flips: The number of flips among those.
        shift: Sum of ``p_tuned − p_base`` over those.
        sampled: Whether any contributions are sampled (more than six pairs).
        pairs: The totals of each pair, by its name.
        roles: The likelihood under each role.
        by_name: Occurrences and sum of shifts of each token, by its name.
    """

    tokens: int = 0
    characters: int = 0
    given: int = 0
    tuned: int = 0
    flips: int = 0
    shift: float = 0.0
    sampled: bool = False
    pairs: dict[str, PairTotal] = field(default_factory=dict)
    roles: dict[Role, Likelihood] = field(default_factory=dict)
    by_name: dict[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def flipped_share(self) -> float:
        """Share of flips among tokens with an attribution; NaN without such tokens."""
        return self.flips / self.tuned if self.tuned else math.nan

    @property
    def mean_shift(self) -> float:
        """Mean of ``p_tuned − p_base``; NaN without tokens that have an attribution."""
        return self.shift / self.tuned if self.tuned else math.nan

    def likelihood(self, role: Role) -> Likelihood:
        """The likelihood under ``role``; one of no tokens if the role is unknown."""
        return self.roles.get(role) or Likelihood()

    def add(self, token: ExplainedToken, name: str, pairs: Sequence[str], sampled: bool) -> None:
        """Count a token that was generated with pairs.

        Args:
            token: The token.
            name: The name of the token, the same in every text.
            pairs: The names of the pairs, [P], all different.
            sampled: Whether the contributions of the token are sampled.
        """
        explained = token.attribution
        shift = explained.p_tuned - explained.p_base
        self._count(token)
        self.tuned += 1
        self.flips += explained.flipped
        self.shift += shift
        self.sampled |= sampled
        for pair, share in zip(pairs, explained.contributions, strict=True):
            total = self.pairs.setdefault(pair, PairTotal())
            total.contribution += share
            total.size += abs(share)
            total.tokens += 1
        count, moved = self.by_name.get(name, (0, 0.0))
        self.by_name[name] = count + 1, moved + shift
        self.add_logprob(BASE, explained.logprob_base, token.text)
        self.add_logprob(TUNED, explained.logprob_tuned, token.text)

    def add_alone(self, token: ExplainedToken, role: Role) -> None:
        """Count a token that a single role generated, without pairs."""
        self._count(token)
        self.add_logprob(role, token.attribution.logprob_base, token.text)

    def add_logprob(self, role: Role, logprob: float, text: str) -> None:
        """Add the log-probability of a token under ``role`` to its likelihood."""
        self.roles.setdefault(role, Likelihood()).add(logprob, text)

    def _count(self, token: ExplainedToken) -> None:
        self.tokens += 1
        self.characters += len(token.text)
        self.given += token.forced

    def influences(self, least: int = 1) -> list[Influence]:
        """The tokens with at least ``least`` occurrences, largest mean shift first."""
        found = [
            Influence(name, count, shift / count)
            for name, (count, shift) in self.by_name.items()
            if count >= least
        ]
        return sorted(found, key=lambda each: (-each.mean_shift, -each.count, each.name))


def total(tallies: Iterable[Tally]) -> Tally:
    """The totals over several texts; roles and pairs with the same name are added up."""
    whole = Tally()
    for tally in tallies:
        whole.tokens += tally.tokens
        whole.characters += tally.characters
        whole.given += tally.given
        whole.tuned += tally.tuned
        whole.flips += tally.flips
        whole.shift += tally.shift
        whole.sampled |= tally.sampled
        for pair, found in tally.pairs.items():
            known = whole.pairs.setdefault(pair, PairTotal())
            known.contribution += found.contribution
            known.size += found.size
            known.tokens += found.tokens
        for role, seen in tally.roles.items():
            sums = whole.roles.setdefault(role, Likelihood())
            sums.logprob += seen.logprob
            sums.tokens += seen.tokens
            sums.text_bytes += seen.text_bytes
        for name, (count, shift) in tally.by_name.items():
            before, moved = whole.by_name.get(name, (0, 0.0))
            whole.by_name[name] = before + count, moved + shift
    return whole


def small_model_logprobs(
    store: RowStore, index: int, token_id: int
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Log-probabilities of a token under the experts and the anti-experts, each [P].

    They are exact with full rows and with candidates, which include the normalizers of the roles.

    Returns:
        None if neither rows nor candidates of the token are stored.
    """
    rows = store.rows(index)
    if rows is not None:
        return _from_rows(rows, token_id)
    try:
        return _from_candidates(store.candidates(index), token_id)
    except KeyError:
        return None


def _from_rows(rows: RoleLogits, token_id: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    known: dict[int, float] = {}

    def logprob(row: Row) -> float:
        if id(row) not in known:  # pairs with the same anti-expert share its row
            known[id(row)] = float(row[token_id]) - log_normalizer(row)
        return known[id(row)]

    return tuple(map(logprob, rows.experts)), tuple(map(logprob, rows.antiexperts))


def _from_candidates(
    kept: CandidateRows, token_id: int
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    (places,) = (kept.token_ids == token_id).nonzero()
    if not len(places):
        return None
    place, pairs = int(places[0]), len(kept.alphas)
    experts = kept.experts[:, place] - kept.log_normalizers[1 : pairs + 1]
    antiexperts = kept.antiexperts[:, place] - kept.log_normalizers[pairs + 1 :]
    return tuple(map(float, experts)), tuple(map(float, antiexperts))


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
