"""Bounds of the proof: how much rounding may change logits, by dtype and quantization.

docs/proof.md has the measurements.
"""

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
_QUANTIZED = {"nf4": _BOUNDS["bfloat16"]}  # its kernels compute in bfloat16 on some processors
_INT8 = Difference(divergence=0.1, largest=3.0)
"""Bound of int8, which rounds activations depending on the rest of the block, and of
quantizations that were not measured."""
_QUANTIZED_BY_LLAMA = Difference(divergence=0.02, largest=3.0)
"""Bound of quantized weights in llama.cpp: its kernels for single tokens and for blocks round
activations to 8 bits in different ways."""
_REFUSAL_FACTOR = 10.0
"""A model is refused if its plain forward passes differ by more than this many times the bound."""


def bound_of(dtype: str, quantization: str) -> Difference:
    """The largest accepted difference of a reading from plain forward passes."""
    if quantization != "none":
        return _QUANTIZED.get(quantization, _INT8)
    return _BOUNDS.get(dtype, _BOUNDS["bfloat16"])


def limit_of(bound: Difference) -> Difference:
    """The largest accepted difference between plain forward passes of one model."""
    return Difference(bound.divergence * _REFUSAL_FACTOR, bound.largest * _REFUSAL_FACTOR)


def widened(bound: Difference, plain: Difference) -> Difference:
    """The bound of a model whose plain forward passes differ from each other by ``plain``.

    In a mixture of experts, rounding may change which expert the router chooses.
    """
    return Difference(
        max(bound.divergence, 2 * plain.divergence), max(bound.largest, 2 * plain.largest)
    )


def bound_of_llama(kv_cache: str, quantization: str) -> Difference:
    """The largest accepted difference of a reading of llama.cpp from its pass over the whole text.

    It rounds activations to 8 bits or 16 before it multiplies them with a weight, and keys and
    values to the type of the KV cache.
    """
    if kv_cache not in ("f32", "f16"):
        return _INT8
    if quantization != "none":
        return _QUANTIZED_BY_LLAMA
    return _BOUNDS["float32" if kv_cache == "f32" else "bfloat16"]
