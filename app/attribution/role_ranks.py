"""Ranks of the candidates under each expert and anti-expert."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.attribution.candidates import TOP_ROLE, CandidateRows
from app.attribution.row_statistics import Floats, ranks
from app.decoding.types import FloatArray, RoleLogits

UNKNOWN_RANK = np.inf
"""Where a rank is not known: the token is not among the most probable ones of the role."""


def ranks_of_roles(rows: CandidateRows, logits: RoleLogits | None) -> tuple[Floats, Floats]:
    """Ranks of the candidates under the experts and under the anti-experts, each [P, C], from 1.

    The most probable tokens of every role are candidates, so that ranks up to ``TOP_ROLE`` are
    exact without the rows of all tokens. Others need these, or are :data:`UNKNOWN_RANK`.

    Args:
        rows: The candidates.
        logits: Raw rows of every role at the same position, each [V], where they are kept.
    """
    if logits is not None:
        return (
            _ranked(logits.experts, rows),
            _ranked(logits.antiexperts, rows),
        )
    complete = rows.coverage >= 1.0  # a base that returns few tokens hides those of other roles
    return (
        np.array([_among(row, complete) for row in rows.experts]).reshape(rows.experts.shape),
        np.array([_among(row, complete) for row in rows.antiexperts]).reshape(rows.experts.shape),
    )


def _ranked(rows: Sequence[FloatArray], candidates: CandidateRows) -> Floats:
    ids = candidates.token_ids.astype(np.int64)
    known = {id(row): ranks(row, ids) for row in {id(row): row for row in rows}.values()}
    found = np.array([known[id(row)] for row in rows], np.float64)
    return found.reshape(len(rows), len(ids))


def _among(row: FloatArray, complete: bool) -> Floats:
    """Ranks within the candidates, as far as no other token can be above them."""
    places = 1.0 + len(row) - np.searchsorted(np.sort(row), row, side="right")
    found: Floats = np.where((places <= TOP_ROLE) & complete, places, UNKNOWN_RANK)
    return found
