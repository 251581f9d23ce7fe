"""The encoding of candidates and numbers: round trips, and rejection of invalid data."""

from __future__ import annotations

import dataclasses
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.attribution.candidates import CandidateRows, keep_candidates, tabulate
from app.errors import HistoryError
from app.history.blob_encoding import (
    pack_candidates,
    pack_numbers,
    unpack_candidates,
    unpack_numbers,
)
from tests.history.invented import step


def kept(pairs: int, index: int = 0) -> CandidateRows:
    token, _ = step(index, [0.5 + i for i in range(pairs)])
    return keep_candidates(token.logits, token.alphas, token.token_id)


@pytest.mark.slow
@given(pairs=st.integers(1, 7), index=st.integers(0, 30), estimated=st.booleans())
def test_candidates_survive_a_round_trip(pairs: int, index: int, estimated: bool) -> None:
    rows = kept(pairs, index)
    if estimated:
        rows = rows.with_alphas([0.25] * pairs)
    back = unpack_candidates(pack_candidates(rows))
    for field in dataclasses.fields(CandidateRows):
        before, after = getattr(rows, field.name), getattr(back, field.name)
        if isinstance(before, np.ndarray):
            assert after.dtype == before.dtype
            assert after.tobytes() == before.tobytes()
        else:
            assert after == before
    assert np.array_equal(tabulate(back).contributions, tabulate(rows).contributions)


def test_the_encoding_matches_the_documented_layout() -> None:
    rows = kept(2)
    packed = pack_candidates(rows)
    version, estimated, pairs, count, coalitions = struct.unpack_from("<BBHII", packed)
    assert (version, estimated, pairs, coalitions) == (1, 0, 2, 4)
    assert count == len(rows.token_ids)
    place = 12 + 8 * (2 + 5 + 4)
    assert struct.unpack_from(f"<{count}i", packed, place) == tuple(rows.token_ids)
    assert len(packed) == place + 4 * count * (1 + 1 + 2 + 2 + 1 + 1)


@pytest.mark.parametrize("cut", [0, 5, 40, -1])
def test_truncated_data_are_rejected(cut: int) -> None:
    with pytest.raises(HistoryError, match="damaged"):
        unpack_candidates(pack_candidates(kept(1))[:cut])


def test_unknown_versions_and_excess_data_are_rejected() -> None:
    packed = pack_candidates(kept(1))
    with pytest.raises(HistoryError, match="version 9"):
        unpack_candidates(b"\x09" + packed[1:])
    with pytest.raises(HistoryError, match="instead of"):
        unpack_candidates(packed + b"\0")


@given(st.lists(st.floats(allow_nan=False)))
def test_numbers_survive_a_round_trip(values: list[float]) -> None:
    assert unpack_numbers(pack_numbers(values)) == tuple(values)
