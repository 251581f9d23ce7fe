"""Key of a role's weights in memory: roles with equal keys share one model.

The memory estimate and the loader both use this definition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from app.checkpoints.engine_options import AS_MANY_AS_FIT, LLAMA_CPP, TRANSFORMERS
from app.checkpoints.opening import OpenedRole


@dataclass(frozen=True, slots=True)
class WeightsKey:
    """The key of weights in memory; equal for two roles if and only if they share weights.

    Attributes:
        folder: The folder of the checkpoint.
        stamps: Size and modification time of every weight file, so that a checkpoint that was
            trained further in the same folder has another key.
        dtype: The dtype in the recipe.
        device: The device of the weights, such as ``cuda:0``.
        quantization: As in ``CheckpointSpec``.
        offload: As in ``CheckpointSpec``.
        engine: The engine that holds the weights.
        gpu_layers: As in ``CheckpointSpec``, for llama.cpp on a GPU.
        adapter: Weight file and stamp of the LoRA adapter over the weights, or None without one.
    """

    folder: Path
    stamps: tuple[tuple[int, int], ...]
    dtype: str
    device: str
    quantization: str
    offload: bool
    engine: str = TRANSFORMERS
    gpu_layers: int | str = AS_MANY_AS_FIT
    adapter: tuple[Path, tuple[int, int]] | None = None


def weights_keys(role: OpenedRole, device: str) -> tuple[WeightsKey, WeightsKey]:
    """The keys of a role's weights without and with its adapter; equal if it has no adapter.

    Args:
        role: The role.
        device: The device that ``role.spec.device`` resolves to.
    """
    spec, adapter = role.spec, role.files.adapter
    plain = WeightsKey(
        role.files.folder.resolve(),
        tuple(map(_stamp, role.files.weights)),
        spec.dtype,
        device,
        spec.quantization,
        spec.offload,
        role.engine,
        spec.gpu_layers if role.engine == LLAMA_CPP and device != "cpu" else AS_MANY_AS_FIT,
    )
    if adapter is None:
        return plain, plain
    return plain, replace(plain, adapter=(adapter.weights.resolve(), _stamp(adapter.weights)))


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
