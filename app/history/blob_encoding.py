"""Binary encoding of candidates and of lists of numbers.

Layout of encoded candidates, version 1. All values are little-endian and unpadded; P is the number
of pairs, C of candidates, S of coalitions.

    uint8      1, the version
    uint8      1 if the normalizers are estimates, otherwise 0
    uint16     P
    uint32     C
    uint32     S
    float64    alphas [P]
    float64    log_normalizers [1 + 2P]: base, experts, anti-experts
    float64    coalition_log_normalizers [S]
    int32      token_ids [C]
    float32    base [C]
    float32    experts [P, C]
    float32    antiexperts [P, C]
    int32      rank_base [C]
    int32      rank_tuned [C]
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.attribution.candidates import CandidateRows
from app.errors import HistoryError

_VERSION = 1
_HEAD = struct.Struct("<BBHII")


def pack_candidates(rows: CandidateRows) -> bytes:
    """Encode candidates; :func:`unpack_candidates` is the inverse."""
    pairs, count = rows.experts.shape
    coalitions = len(rows.coalition_log_normalizers)
    parts: list[tuple[Any, str]] = [
        (rows.alphas, "<f8"),
        (rows.log_normalizers, "<f8"),
        (rows.coalition_log_normalizers, "<f8"),
        (rows.token_ids, "<i4"),
        (rows.base, "<f4"),
        (rows.experts, "<f4"),
        (rows.antiexperts, "<f4"),
        (rows.rank_base, "<i4"),
        (rows.rank_tuned, "<i4"),
    ]
    head = _HEAD.pack(_VERSION, rows.estimated, pairs, count, coalitions)
    return head + b"".join(np.asarray(part, dtype=kind).tobytes() for part, kind in parts)


def unpack_candidates(packed: bytes) -> CandidateRows:
    """Decode candidates; the arrays are read-only.

    Raises:
        HistoryError: The bytes are damaged or have an unknown version.
    """
    try:
        version, estimated, pairs, count, coalitions = _HEAD.unpack_from(packed)
    except struct.error as error:
        raise _damaged(str(error)) from error
    if version != _VERSION:
        raise _damaged(f"unknown version {version}")
    reader = _Reader(packed, _HEAD.size)
    try:
        rows = CandidateRows(
            alphas=tuple(reader.take("<f8", pairs).tolist()),
            log_normalizers=reader.take("<f8", 1 + 2 * pairs),
            coalition_log_normalizers=reader.take("<f8", coalitions),
            token_ids=reader.take("<i4", count),
            base=reader.take("<f4", count),
            experts=reader.take("<f4", pairs, count),
            antiexperts=reader.take("<f4", pairs, count),
            rank_base=reader.take("<i4", count),
            rank_tuned=reader.take("<i4", count),
            estimated=bool(estimated),
        )
    except ValueError as error:
        raise _damaged(str(error)) from error
    if reader.place != len(packed):
        raise _damaged(f"{len(packed):,} bytes instead of {reader.place:,}")
    return rows


def pack_numbers(values: Sequence[float]) -> bytes:
    """Encode numbers as float64."""
    return struct.pack(f"<{len(values)}d", *values)


def unpack_numbers(packed: bytes) -> tuple[float, ...]:
    """Decode a list of float64.

    Raises:
        HistoryError: The length is not a multiple of 8 bytes.
    """
    try:
        return struct.unpack(f"<{len(packed) // 8}d", packed)
    except struct.error as error:
        raise _damaged(str(error)) from error


class _Reader:
    def __init__(self, packed: bytes, place: int) -> None:
        self._packed = packed
        self.place = place

    def take(self, kind: str, *shape: int) -> NDArray[Any]:
        count = int(np.prod(shape))
        part = np.frombuffer(self._packed, kind, count, self.place)
        self.place += part.nbytes
        return part.reshape(shape)


def _damaged(evidence: str) -> HistoryError:
    return HistoryError("The candidates of a token in the history are damaged", evidence=evidence)
