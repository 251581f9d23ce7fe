"""How far rounding may move logits, by dtype and quantization; measured in docs/proof.md."""

from __future__ import annotations

from app.checkpoints.proof.proof_report import Difference

LIKELY = 1e-3
"""Least probability, in either row, of tokens whose log-probabilities are compared.

The most probable token is always compared.
"""

_BOUNDS = {
    "float32": Difference(divergence=1e-6, largest=1e-2),
    "float16": Difference(divergence=2e-3, largest=0.3),
    "bfloat16": Difference(divergence=2e-2, largest=1.5),
}
_QUANTIZED = {"nf4": _BOUNDS["bfloat16"]}  # which its kernels compute in on some processors
_INT8 = Difference(divergence=0.1, largest=3.0)
"""Of int8, which rounds activations by what else is in the block, and of kinds not measured."""
_MORE_BY_ITSELF = 10.0
"""Plain forward passes that differ among themselves by so many times a bound are of no use."""


def bound_of(dtype: str, quantization: str) -> Difference:
    """What a model of this dtype and quantization may differ from plain forward passes."""
    if quantization != "none":
        return _QUANTIZED.get(quantization, _INT8)
    return _BOUNDS.get(dtype, _BOUNDS["bfloat16"])


def limit_of(bound: Difference) -> Difference:
    """What plain forward passes may differ from each other before a model is refused."""
    return Difference(bound.divergence * _MORE_BY_ITSELF, bound.largest * _MORE_BY_ITSELF)


def widened(bound: Difference, plain: Difference) -> Difference:
    """The bound of a model whose plain forward passes differ from each other by ``plain``.

    In a mixture of experts a router may be so near to a tie that rounding decides it.
    """
    return Difference(
        max(bound.divergence, 2 * plain.divergence), max(bound.largest, 2 * plain.largest)
    )
