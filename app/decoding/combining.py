"""Proxy-tuning in torch: combines the logits of a base and its expert pairs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pair:
    """One expert pair: the indices of its expert and anti-expert among the model contexts."""

    name: str
    expert: int
    antiexpert: int


def combine_logits(base: Tensor, differences: Tensor, alphas: Tensor) -> Tensor:
    """The tuned logits s_M + Σ_i α_i (s_M⁺ᵢ − s_M⁻ᵢ).

    Source: Liu et al., Tuning Language Models by Proxy, arXiv 2401.08565, equation 1,
    extended to several pairs with an α each.

    Args:
        base: Raw logits of the base, [..., V], float32.
        differences: Expert minus anti-expert of each pair, [P, ..., V], float32.
        alphas: The α of each pair, [P].

    Returns:
        Combined logits, [..., V], float32.
    """
    shift: Tensor = torch.tensordot(alphas.to(differences), differences, dims=1)
    return base + shift


def pair_differences(rows: Tensor, pairs: tuple[Pair, ...], masked: Tensor | None) -> Tensor:
    """Expert minus anti-expert of each pair, [P, ..., V], 0 at masked ids.

    Args:
        rows: Raw logits of every model context, [C, ..., V].
        pairs: At least one.
        masked: [V] of bool, or None where no id is.
    """
    differences = torch.stack([rows[pair.expert] - rows[pair.antiexpert] for pair in pairs])
    if masked is not None:
        differences = differences.masked_fill(masked, 0.0)  # −inf − −inf is NaN
    return differences
