"""Attribution and candidates of a decoding step, also where its rows were reduced on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.attribution.attribution import TokenAttribution, attribute
from app.attribution.candidates import CandidateRows, keep_candidates
from app.attribution.row_statistics import rows_between
from app.attribution.shapley import contributions
from app.decoding.tuned_logits import scaled_differences
from app.decoding.types import FloatArray, ReducedRows, TokenStep


def attribute_step(step: TokenStep, *, partial: bool = False) -> TokenAttribution:
    """Attribute the probability shift of the token of ``step`` to the pairs.

    Args:
        step: The step, with its rows or with statistics of them.
        partial: Whether the base's row holds log-probabilities, and only of some tokens.
    """
    if step.reduced is not None:
        found = attribute_reduced(step.reduced, step.alphas)
    else:
        found = attribute(
            step.kept_logits, step.alphas, step.token_id, partial=partial, combined=step.combined
        )
    if step.coverage is None:
        return found
    known = 1.0 if found.coverage is None else found.coverage
    exact = min(known, step.coverage.exact)
    return replace(found, coverage=exact, bounded=step.coverage.bounded)


def candidates_of(step: TokenStep) -> CandidateRows:
    """The candidates of a step, from its rows or from statistics of them."""
    if step.reduced is not None:
        return reduced_candidates(step.reduced, step.alphas)
    return keep_candidates(step.kept_logits, step.alphas, step.token_id)


def attribute_reduced(reduced: ReducedRows, alphas: Sequence[float]) -> TokenAttribution:
    """Attribute the probability shift of the position's token, as ``attribute`` does from rows.

    Args:
        reduced: The statistics of the rows, with the subsets of ``coalitions(P)``.
        alphas: The α of each pair when the token was sampled, [P].
    """
    base, added = reduced.logits.base, scaled_differences(reduced.logits, alphas)
    rows = [base, *rows_between(base, added), *([reduced.tuned] if alphas else [])]
    logprobs = [
        float(row[0]) - normalizer
        for row, normalizer in zip(rows, reduced.subset_log_normalizers, strict=True)
    ]
    shares, p = contributions(len(added), logprobs), np.exp(logprobs)
    return TokenAttribution(
        p_base=float(p[0]),
        p_tuned=float(p[-1]),
        logprob_base=float(logprobs[0]),
        logprob_tuned=float(logprobs[-1]),
        contributions=tuple(shares.probability.tolist()),
        logprob_contributions=tuple(shares.logprob.tolist()),
        rank_base=int(reduced.rank_base[0]),
        rank_tuned=int(reduced.rank_tuned[0]),
        argmax_base=reduced.argmax_base,
        argmax_tuned=reduced.argmax_tuned,
        entropy_base=reduced.entropy_base,
        entropy_tuned=reduced.entropy_tuned,
        kl=reduced.kl,
    )


def reduced_candidates(reduced: ReducedRows, alphas: Sequence[float]) -> CandidateRows:
    """The candidates of the position, as ``keep_candidates`` finds them in rows."""
    _, places = np.unique(reduced.token_ids, return_index=True)
    places = places[np.isfinite(reduced.logits.base[places]) | (places == 0)]
    places = places[np.argsort(-reduced.tuned[places], kind="stable")]

    def kept(rows: Sequence[FloatArray]) -> FloatArray:
        return np.array([row[places] for row in rows], np.float32).reshape(-1, len(places))

    return CandidateRows(
        alphas=tuple(alphas),
        token_ids=reduced.token_ids[places],
        base=reduced.logits.base[places],
        experts=kept(reduced.logits.experts),
        antiexperts=kept(reduced.logits.antiexperts),
        log_normalizers=reduced.log_normalizers,
        coalition_log_normalizers=reduced.subset_log_normalizers,
        rank_base=reduced.rank_base[places],
        rank_tuned=reduced.rank_tuned[places],
    )
