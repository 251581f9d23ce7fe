"""Attribution of a token from its stored candidates, for alphas whose full rows are gone."""

from __future__ import annotations

import numpy as np

from app.attribution.attribution import TokenAttribution
from app.attribution.candidates import CandidateRows, tabulate
from app.attribution.row_statistics import Floats


def attribute_candidates(kept: CandidateRows, token_id: int) -> TokenAttribution:
    """Attribute the shift of ``token_id`` under the alphas of ``kept``.

    Probabilities, contributions and ranks are those of the candidate table: exact for the alphas
    that the token was sampled with, estimates for others. Entropies and the divergence treat all
    tokens outside the candidates as one, which makes them slightly too low.

    Args:
        kept: The candidates, at the alphas of interest.
        token_id: The token, one of the candidates.
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
        contributions=tuple(table.contributions[:, place].tolist()),
        logprob_contributions=tuple(table.logprob_contributions[:, place].tolist()),
        rank_base=int(table.rank_base[place]),
        rank_tuned=int(table.rank_tuned[place]),
        argmax_base=int(kept.token_ids[int(kept.base.argmax())]),
        argmax_tuned=int(kept.token_ids[int(logprobs_tuned.argmax())]),
        entropy_base=_cross_entropy(base, base),
        entropy_tuned=_cross_entropy(tuned, tuned),
        kl=max(_cross_entropy(tuned, base) - _cross_entropy(tuned, tuned), 0.0),
    )


def _with_rest(probabilities: Floats) -> Floats:
    """The probabilities and the remaining probability of all other tokens, [C + 1]."""
    return np.append(probabilities, max(1.0 - probabilities.sum(), 0.0))


def _cross_entropy(p: Floats, q: Floats) -> float:
    """The cross entropy −Σ p log q over tokens with positive probability, in nats."""
    seen = (p > 0) & (q > 0)
    return -float(p[seen] @ np.log(q[seen]))
