"""What the pairs do at one token, from its candidates alone: for other weights, without rows."""

from __future__ import annotations

import numpy as np

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows, tabulate
from app.attribution.row_statistics import Floats


def attribute_candidates(kept: CandidateRows, token_id: int) -> TokenAttribution:
    """Attribute the shift of ``token_id`` under the weights of ``kept``.

    Probabilities, contributions and ranks are those of the candidates' table: exact with the
    weights that were in force, and estimates with others. Entropies and the divergence take all
    tokens beyond the candidates for one, so that they come out slightly too low.

    Args:
        kept: The candidates at the weights to look at.
        token_id: The token to explain, which is among them.
    """
    table = tabulate(kept)
    place = int(np.flatnonzero(kept.token_ids == token_id)[0])
    logprobs_base = kept.base - kept.log_normalizers[0]
    logprobs_tuned = kept.tuned(kept.alphas) - kept.coalition_log_normalizers[-1]
    base, tuned = _with_rest(table.p_base), _with_rest(table.p_tuned)
    return TokenAttribution(
        p_base=float(table.p_base[place]),
        p_tuned=float(table.p_tuned[place]),
        logprob_base=float(logprobs_base[place]),
        logprob_tuned=float(logprobs_tuned[place]),
        contributions=tuple(map(float, table.contributions[:, place])),
        rank_base=int(table.rank_base[place]),
        rank_tuned=int(table.rank_tuned[place]),
        argmax_base=int(kept.token_ids[int(kept.base.argmax())]),
        argmax_tuned=int(kept.token_ids[int(logprobs_tuned.argmax())]),
        entropy_base=_cross_entropy(base, base),
        entropy_tuned=_cross_entropy(tuned, tuned),
        kl=max(_cross_entropy(tuned, base) - _cross_entropy(tuned, tuned), 0.0),
    )


def _with_rest(probabilities: Floats) -> Floats:
    """The probabilities and what they leave, [C + 1]."""
    return np.append(probabilities, max(1.0 - probabilities.sum(), 0.0))


def _cross_entropy(p: Floats, q: Floats) -> float:
    """−Σ p log q over what can happen, in nats."""
    seen = (p > 0) & (q > 0)
    return -float(p[seen] @ np.log(q[seen]))
