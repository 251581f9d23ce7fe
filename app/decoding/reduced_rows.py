"""The rows of one position reduced to the few numbers that are always shown. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.decoding.types import FloatArray, RoleLogits


@dataclass(frozen=True, slots=True, eq=False)
class ReducedRows:
    """Statistics of the rows of one position, in place of the rows where these are not kept.

    Attributes:
        token_ids: The ids whose logits are kept, [K]: the token of the position, then the top ids
            of the tuned row and of every model context. Ids can occur twice, and can be masked.
        logits: Raw logits of every role at these ids, each [K].
        tuned: Tuned logits at these ids, [K].
        rank_base: Ranks under the base, [K], from 1; ``rank_tuned`` likewise.
        argmax_base: The most probable token of the base; ``argmax_tuned`` likewise.
        log_normalizers: Log-normalizers of the rows of the base, the experts and the anti-experts,
            [1 + 2P].
        subset_log_normalizers: Log-normalizers of the tuned rows of subsets of the pairs, [S].
        entropy_base: Entropy of the base's distribution, in nats; ``entropy_tuned`` likewise.
        kl: KL(tuned ‖ base), in nats.
    """

    token_ids: NDArray[np.int32]
    logits: RoleLogits
    tuned: FloatArray
    rank_base: NDArray[np.int32]
    rank_tuned: NDArray[np.int32]
    argmax_base: int
    argmax_tuned: int
    log_normalizers: NDArray[np.float64]
    subset_log_normalizers: NDArray[np.float64]
    entropy_base: float
    entropy_tuned: float
    kl: float
