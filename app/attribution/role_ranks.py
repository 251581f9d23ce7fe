"""Ranks of the candidates under each expert and anti-expert."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.attribution.candidates import TOP_ROLE, CandidateRows
from app.attribution.row_statistics import Floats, ranks
from app.decoding.types import FloatArray, RoleLogits

LOW_RANK = np.inf
"""A rank of which only this is known: it is below ``TOP_ROLE``, the number of kept tokens."""
UNKNOWN_RANK = np.nan
"""A rank of which nothing is known."""
_NORMALIZED = 1e-3
"""The highest log-normalizer of log-probabilities, with their rounding; that of logits is free."""


def ranks_of_roles(
    rows: CandidateRows, logits: RoleLogits | None, *, from_endpoint: bool = False
) -> tuple[Floats, Floats]:
    """Ranks of the candidates under the experts and under the anti-experts, each [P, C], from 1.

    The most probable tokens of every role are candidates, so that ranks up to ``TOP_ROLE`` are
    exact without the rows of all tokens. Others need these, or are :data:`LOW_RANK`. All are
    :data:`UNKNOWN_RANK` where no pair was read, and where the base may have returned
    log-probabilities of some tokens only: the others are no candidates, whatever a role makes of
    them.

    Args:
        rows: The candidates.
        logits: Raw rows of every role at the same position, each [V], where they are kept.
        from_endpoint: Whether the base is behind an endpoint.
    """
    if logits is not None:
        return (
            _ranked(logits.experts, rows),
            _ranked(logits.antiexperts, rows),
        )
    hidden = from_endpoint and rows.log_normalizers[0] <= _NORMALIZED
    if hidden or not rows.pairs_were_read:
        unknown = np.full(rows.experts.shape, UNKNOWN_RANK)
        return unknown, unknown
    return (
        np.array([_among(row) for row in rows.experts]).reshape(rows.experts.shape),
        np.array([_among(row) for row in rows.antiexperts]).reshape(rows.experts.shape),
    )


def _ranked(rows: Sequence[FloatArray], candidates: CandidateRows) -> Floats:
    ids = candidates.token_ids.astype(np.int64)
    known = {id(row): ranks(row, ids) for row in {id(row): row for row in rows}.values()}
    found = np.array([known[id(row)] for row in rows], np.float64)
    return found.reshape(len(rows), len(ids))


def _among(row: FloatArray) -> Floats:
    """Ranks within the candidates, as far as no other token can be above them."""
    places = 1.0 + len(row) - np.searchsorted(np.sort(row), row, side="right")
    found: Floats = np.where(places <= TOP_ROLE, places, LOW_RANK)
    return found
