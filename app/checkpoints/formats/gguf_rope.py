"""Rotary embeddings of a GGUF file, as ``rope_parameters`` of transformers.

llama.cpp stores them in ``rope.*`` keys and in tensors of factors that divide the frequencies.
"""

from __future__ import annotations

import math
from typing import Any

from app.checkpoints.formats.gguf_header import Contents
from app.checkpoints.formats.gguf_metadata import UnusableError

FREQUENCIES = "rope_freqs.weight"
LONG, SHORT = "rope_factors_long.weight", "rope_factors_short.weight"

_BASE = 10_000.0  # default of llama.cpp
_LLAMA3_LENGTHS = [2**power for power in range(5, 21)]
_CLOSE = 1e-5


def rope_parameters(contents: Contents, dimensions: int, context: int) -> dict[str, Any]:
    """The ``rope_parameters`` of a model that rotates ``dimensions`` of each head.

    Raises:
        UnusableError: transformers does not implement the scaling.
    """
    metadata, name = contents.metadata, contents.architecture
    key = f"{name}.rope.".__add__
    base = metadata.number(key("freq_base"), _BASE)
    if base <= 1:
        raise UnusableError(f"its key “{key('freq_base')}” is {base:g}")
    metadata.use(key("scaling.finetuned"))  # about training; logits do not depend on it
    metadata.use(key("scaling.original_context_length"))  # used below, for YaRN and Phi-3
    kind = metadata.text(key("scaling.type"), "linear")
    factor = _factor(contents)
    if FREQUENCIES in contents.tensors:
        if kind != "none" and factor != 1:
            raise UnusableError(f"it has both “{FREQUENCIES}” and “{key('scaling.factor')}”")
        return _of_frequencies(contents.floats(FREQUENCIES), base, dimensions, context)
    if LONG in contents.tensors or SHORT in contents.tensors:
        if factor != 1:
            raise UnusableError(f"it has both “{LONG}” and “{key('scaling.factor')}”")
        return _longrope(contents, base, dimensions, context)
    if kind == "yarn":
        return _yarn(contents, base, factor, context)
    if kind not in ("none", "linear"):
        raise UnusableError(f"its key “{key('scaling.type')}” is “{kind[:40]}”")
    if kind == "none" or factor == 1:
        return {"rope_type": "default", "rope_theta": base}
    return {"rope_type": "linear", "rope_theta": base, "factor": factor}


def _factor(contents: Contents) -> float:
    """The scaling factor of positions; early converters wrote it as ``rope.scale_linear``."""
    metadata, name = contents.metadata, contents.architecture
    older = metadata.number(f"{name}.rope.scale_linear", 0.0)
    factor = metadata.number(f"{name}.rope.scaling.factor", older)
    if factor < 0:
        raise UnusableError(f"its key “{name}.rope.scaling.factor” is {factor:g}")
    return factor or 1.0  # llama.cpp: 0 means no scaling


def _yarn(contents: Contents, base: float, factor: float, context: int) -> dict[str, Any]:
    metadata, key = contents.metadata, f"{contents.architecture}.rope.scaling.".__add__
    for name, neutral in (
        ("attn_factor", 1.0),
        ("yarn_attn_factor", 1.0),
        ("yarn_ext_factor", 1.0),
        ("yarn_log_multiplier", 0.0),
    ):
        given = metadata.number(key(name), neutral)
        if not math.isclose(given, neutral, abs_tol=_CLOSE):
            raise UnusableError(f"its key “{key(name)}” is {given:g}, which is not supported")
    if factor < 1:
        raise UnusableError(f"its key “{key('factor')}” is {factor:g}")
    return {
        "rope_type": "yarn",
        "rope_theta": base,
        "factor": factor,
        "original_max_position_embeddings": metadata.whole(key("original_context_length"), context),
        "beta_fast": metadata.number(key("yarn_beta_fast"), 32.0),
        "beta_slow": metadata.number(key("yarn_beta_slow"), 1.0),
    }


def _longrope(contents: Contents, base: float, dimensions: int, context: int) -> dict[str, Any]:
    metadata, key = contents.metadata, f"{contents.architecture}.rope.scaling.".__add__
    kind = metadata.text(key("type"), "longrope")
    if kind not in ("longrope", "none"):
        raise UnusableError(f"it has “{LONG}”, and its key “{key('type')}” is “{kind[:40]}”")
    for name in (LONG, SHORT):
        if name not in contents.tensors:
            raise UnusableError(f"it lacks the tensor “{name}”")
    return {
        "rope_type": "longrope",
        "rope_theta": base,
        "long_factor": _checked(contents.floats(LONG), LONG, dimensions),
        "short_factor": _checked(contents.floats(SHORT), SHORT, dimensions),
        "attention_factor": metadata.number(key("attn_factor"), 1.0),
        "original_max_position_embeddings": metadata.whole(key("original_context_length"), context),
    }


def _checked(factors: list[float], name: str, dimensions: int) -> list[float]:
    if len(factors) != dimensions // 2 or min(factors) <= 0:
        raise UnusableError(f"its tensor “{name}” does not hold {dimensions // 2} factors")
    return factors


def _of_frequencies(
    given: list[float], base: float, dimensions: int, context: int
) -> dict[str, Any]:
    """The parameters of Llama 3.1's formula if they give these factors, or else the factors."""
    factors = _checked(given, FREQUENCIES, dimensions)
    if all(factor == 1 for factor in factors):
        return {"rope_type": "default", "rope_theta": base}
    for length in _LLAMA3_LENGTHS:
        scaling = {
            "rope_type": "llama3",
            "rope_theta": base,
            "factor": max(factors),
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": length,
        }
        expected = _llama3_factors(scaling, dimensions)
        if all(math.isclose(*pair, rel_tol=_CLOSE) for pair in zip(factors, expected, strict=True)):
            return scaling
    return {
        "rope_type": "longrope",
        "rope_theta": base,
        "long_factor": factors,
        "short_factor": factors,
        "attention_factor": 1.0,
        "original_max_position_embeddings": context,
    }


def _llama3_factors(scaling: dict[str, Any], dimensions: int) -> list[float]:
    """The factors that llama.cpp's converter computes for the rope type ``llama3``."""
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    factors = []
    for dimension in range(0, dimensions, 2):
        wavelength = 2 * math.pi * scaling["rope_theta"] ** (dimension / dimensions)
        turns = scaling["original_max_position_embeddings"] / wavelength
        smooth = min(max((turns - low) / (high - low), 0.0), 1.0)
        factors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return factors
