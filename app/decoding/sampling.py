"""Samples a token from one row of tuned logits, on the host in NumPy. Imports no torch.

The processors have the order and the definitions of vLLM (logit bias, repetition penalty, frequency
and presence penalty) and of transformers' ``generate`` (temperature, top-k, top-p, min-p). They
often keep a handful of a vocabulary of 150,000 ids, so that everything after a processor is
computed for the kept ids only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.decoding.noise import exponentials, key_of, smallest
from app.decoding.tuned_logits import Row
from app.decoding.types import GenerationConfig
from app.errors import StructureError

Ids = NDArray[np.int64]

LEAST_TEMPERATURE = 1e-6  # below it float32 overflows, and the argmax has all the probability
_MARGINS = (5.0, 12.0)
"""The likely ids are searched among those within so many nats of the highest score."""


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """The distribution softmax(``scores``) over the ids that the processors keep.

    Attributes:
        scores: Scores of the kept ids, [n].
        ids: The kept ids, [n], ascending, or None if all are kept.
        size: Size of the vocabulary, V.
        greedy: Whether sampling always takes the argmax.
    """

    scores: Row
    ids: Ids | None
    size: int
    greedy: bool

    def sample(self, seed: int, position: int) -> tuple[int, float]:
        """Sample a token with the noise of ``position``; with ``greedy``, take the argmax.

        Sampling is an exponential race: argmax p_v / E_v is argmax(log p_v + g_v) with Gumbel noise
        g_v = −log E_v, the Gumbel-max trick. Noise and division are in float64, so that rounding
        moves no probability.

        Returns:
            The token and its probability.
        """
        if self.greedy:
            return self._id(int(self.scores.argmax())), 1.0
        key, highest = key_of(seed, position), self.scores.max()
        place = self._race(key, highest) if self.ids is None else self._race_of_kept(key, highest)
        mass = float(np.exp(float(self.scores[place]) - float(highest)))
        return self._id(place), mass / self._total(highest)

    def probability(self, token_id: int) -> float:
        """The probability that ``token_id`` is sampled."""
        if self.greedy:
            return float(self._id(int(self.scores.argmax())) == token_id)
        return self.softmax_probability(token_id)

    def softmax_probability(self, token_id: int) -> float:
        """The probability of ``token_id`` in softmax(``scores``), also with greedy sampling."""
        place = token_id if self.ids is None else int(np.searchsorted(self.ids, token_id))
        if self.ids is not None and self.ids[place : place + 1].tolist() != [token_id]:
            return 0.0
        highest = self.scores.max()
        mass = np.exp(float(self.scores[place]) - float(highest))
        return float(mass) / self._total(highest)

    def row(self) -> Row:
        """The scores of all ids, [V]; −inf where an id is not kept."""
        if self.ids is None:
            return self.scores
        row = np.full(self.size, -np.inf, dtype=self.scores.dtype)
        row[self.ids] = self.scores
        return row

    def _id(self, place: int) -> int:
        return place if self.ids is None else int(self.ids[place])

    def _total(self, highest: float) -> float:
        return float(np.exp(self.scores - highest).sum(dtype=np.float64))

    def _race_of_kept(self, key: int, highest: float) -> int:
        assert self.ids is not None
        masses = np.exp((self.scores - highest).astype(np.float64))
        return int(np.argmax(masses / exponentials(key, self.ids)))

    def _race(self, key: int, highest: float) -> int:
        """The winner among all ids: likely ids first, then those with small enough noise."""
        margin = _MARGINS[-1]
        places = np.flatnonzero(self.scores > highest - margin)
        masses = np.exp((self.scores[places] - highest).astype(np.float64))
        times = masses / exponentials(key, places)
        best, record = int(places[times.argmax()]), float(times.max())
        for ids, noise in smallest(key, self.size, np.exp(-margin) / record):
            others = np.exp((self.scores[ids] - highest).astype(np.float64)) / noise
            if others.max() > record:
                best, record = int(ids[others.argmax()]), float(others.max())
        return best


def process_logits(
    logits: Row,
    history: Ids,
    config: GenerationConfig,
    prompt_length: int = 0,
    allowed: NDArray[np.bool_] | None = None,
) -> Distribution:
    """Apply the processors of ``config`` to tuned logits, of the allowed ids.

    Args:
        logits: [V], float32.
        history: Token ids of prompt and generated tokens, [n], for the penalties.
        config: The sampling settings.
        prompt_length: How many of ``history`` are the prompt, which frequency and presence penalty
            do not count.
        allowed: The ids that a structure allows, [V]; None allows all.

    Raises:
        StructureError: All allowed ids are excluded by the roles, which do not share them.
    """
    scores, kept = logits, None
    if config.logit_bias:
        scores = _biased(scores, config.logit_bias)
    if config.repetition_penalty != 1.0:
        scores = _penalised(scores, history, config.repetition_penalty)
    if config.counts_tokens:
        scores = _counted(scores, history[prompt_length:], config)
    if allowed is not None:
        kept = np.flatnonzero(allowed)
        scores = scores[kept]
        if not np.isfinite(scores).any():
            raise StructureError("No token that all models have fits the structure here")
    if not config.greedy:
        if config.temperature != 1.0:
            scores = scores / scores.dtype.type(max(config.temperature, LEAST_TEMPERATURE))
        if 0 < config.top_k < scores.shape[0]:
            scores, kept = _among(scores, kept, _top_k(scores, config.top_k))
        if config.top_p < 1.0:
            scores, kept = _among(scores, kept, _top_p(scores, config.top_p))
        if config.min_p > 0.0:
            least = scores.max() + scores.dtype.type(np.log(config.min_p))
            scores, kept = _among(scores, kept, np.flatnonzero(scores >= least))
    return Distribution(scores, kept, logits.shape[0], config.greedy)


def _among(scores: Row, kept: Ids | None, places: Ids) -> tuple[Row, Ids]:
    return scores[places], places if kept is None else kept[places]


def _penalised(scores: Row, history: Ids, penalty: float) -> Row:
    """Divide positive and multiply negative scores of the ids in ``history``, [n], by ``penalty``.

    Source: Keskar et al., CTRL, arXiv 1909.05858, section 4.1; by sign as transformers has it.
    """
    seen = scores[history]
    scores = scores.copy()
    scores[history] = np.where(seen < 0, seen * penalty, seen / penalty)
    return scores


def _biased(scores: Row, bias: Sequence[tuple[int, float]]) -> Row:
    """Add the bias of each id; ids that the vocabulary does not have are left out."""
    scores = scores.copy()
    for token_id, added in bias:
        if token_id < scores.shape[0]:
            scores[token_id] += scores.dtype.type(added)
    return scores


def _counted(scores: Row, generated: Ids, config: GenerationConfig) -> Row:
    """Apply the frequency and the presence penalty, as the OpenAI API defines them.

    A generated token loses its number of occurrences times the frequency penalty, and once the
    presence penalty.
    """
    ids, counts = np.unique(generated, return_counts=True)
    lost = counts * config.frequency_penalty + config.presence_penalty
    scores = scores.copy()
    scores[ids] -= lost.astype(scores.dtype)
    return scores


def _top_k(scores: Row, k: int) -> Ids:
    """The ids of the ``k`` highest scores, ties with the lowest of them included."""
    near = scores[scores > scores.max() - _MARGINS[-1]]
    if near.shape[0] < k:
        near = scores
    threshold = np.partition(near, near.shape[0] - k)[near.shape[0] - k]
    return np.flatnonzero(scores >= threshold)


def _top_p(scores: Row, p: float) -> Ids:
    """Indices of the smallest set of highest scores with total probability ≥ ``p``.

    Source: Holtzman et al., arXiv 1904.09751, section 3.1.
    """
    highest = scores.max()
    masses = np.exp(scores - highest)
    wanted = p * float(masses.sum(dtype=np.float64))
    for margin in (*_MARGINS, np.inf):
        places = np.flatnonzero(scores >= highest - scores.dtype.type(margin))
        near = masses[places].astype(np.float64)
        if near.sum() > wanted:
            break
    order = np.argsort(-scores[places], kind="stable")
    before = np.cumsum(near[order]) - near[order]
    count = max(1, int(np.count_nonzero(before < wanted)))
    return np.sort(places[order[:count]])
