"""The memory that a training takes, estimated from the configuration of the model."""

from __future__ import annotations

from dataclasses import dataclass

from app.checkpoints.memory.footprint import BYTES, Footprint
from app.training.plan.training_settings import TrainingSettings

_OPTIMIZER_BYTES = 16  # of a weight of the adapter: itself, its gradient and two moments
_LOGIT_BYTES = 16
"""Of a logit: float32 of it, its log-softmax and both gradients, or 2 bytes less in bfloat16."""

_KEPT_OF_HIDDEN, _KEPT_OF_ATTENTION, _KEPT_OF_INTERMEDIATE = 6, 4, 4
"""How many vectors of the three widths a layer keeps for the backward pass, at each token."""

_FLOATS_OF_HIDDEN, _FLOATS_OF_INTERMEDIATE = 8, 1
"""How many more it keeps in float32 in any dtype: norms, and the inputs of the adapter."""

_FLOAT_BYTES = 4
_CPU_HEAP = 1.3
"""Batches of differing widths fragment the heap: 9.2 GB where those of one width take 7.3 GB."""

_PROCESS_BYTES = 900_000_000  # Python, torch, transformers and PEFT


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes of a training.

    Attributes:
        weights: The frozen weights.
        adapter: The adapter, its gradients and the state of the optimizer.
        activations: What the backward pass needs, and the logits.
        free: What is free on the device.
    """

    weights: int
    adapter: int
    activations: int
    free: int

    @property
    def total(self) -> int:
        return self.weights + self.adapter + self.activations

    @property
    def fits(self) -> bool:
        return self.total <= self.free


def parameters_of(footprint: Footprint) -> int:
    """The number of parameters of the model."""
    return footprint.plain + sum(rows * columns for rows, columns in footprint.linear)


def estimate_memory(
    footprint: Footprint,
    layers: int,
    settings: TrainingSettings,
    *,
    dtype: str,
    quantization: str,
    device: str,
    free: int,
) -> TrainingMemory:
    """Estimate the memory of a training; activations are an upper bound for most models.

    Args:
        footprint: The footprint of the small model.
        layers: The number of its layers.
        settings: The settings.
        dtype: The dtype in which it is trained.
        quantization: The quantization of its weights.
        device: The device.
        free: Bytes that are free there.
    """
    size = BYTES[dtype]
    tokens = settings.batch_rows * settings.most_tokens
    of_token = (
        _KEPT_OF_HIDDEN * footprint.hidden
        + _KEPT_OF_ATTENTION * footprint.attention
        + _KEPT_OF_INTERMEDIATE * footprint.intermediate
    ) * size + (
        _FLOATS_OF_HIDDEN * footprint.hidden + _FLOATS_OF_INTERMEDIATE * footprint.intermediate
    ) * _FLOAT_BYTES
    scores = footprint.heads * settings.most_tokens * size * 2 if footprint.eager else 0
    of_layer = tokens * (of_token + scores)
    kept = of_layer + layers * tokens * footprint.hidden * size
    activations = kept if settings.recompute else layers * of_layer
    activations += tokens * footprint.rows * _LOGIT_BYTES
    adapter = sum(settings.rank * (rows + columns) for rows, columns in footprint.linear)
    return TrainingMemory(
        footprint.weight_bytes(dtype, quantization)
        + footprint.quantizing_bytes(quantization)
        + (_PROCESS_BYTES if device == "cpu" else 0),
        adapter * _OPTIMIZER_BYTES,
        round(activations * _CPU_HEAP) if device == "cpu" else activations,
        free,
    )
