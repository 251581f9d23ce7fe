"""When two roles hold the same weights in memory: the one definition, for estimate and loader."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from app.checkpoints.opening import OpenedRole


@dataclass(frozen=True, slots=True)
class WeightsKey:
    """Equal for two roles if and only if they hold the same weights.

    Attributes:
        folder: The folder of the checkpoint.
        stamps: Size and modification time of every weight file, so that a checkpoint that was
            trained further in the same folder has another key.
        dtype: The dtype that the recipe asks for.
        device: Where the weights are, such as ``cuda:0``.
        quantization: As in ``CheckpointSpec``.
        offload: As in ``CheckpointSpec``.
        adapter: Folder and stamp of the LoRA adapter over the weights, or None without one.
    """

    folder: Path
    stamps: tuple[tuple[int, int], ...]
    dtype: str
    device: str
    quantization: str
    offload: bool
    adapter: tuple[Path, tuple[int, int]] | None = None


def weights_keys(role: OpenedRole, device: str) -> tuple[WeightsKey, WeightsKey]:
    """The keys of a role's weights without its adapter and with it; equal where it has none.

    Args:
        role: The role.
        device: What ``role.spec.device`` stands for on this machine.
    """
    spec, adapter = role.spec, role.files.adapter
    plain = WeightsKey(
        role.files.folder.resolve(),
        tuple(map(_stamp, role.files.weights)),
        spec.dtype,
        device,
        spec.quantization,
        spec.offload,
    )
    if adapter is None:
        return plain, plain
    return plain, replace(plain, adapter=(adapter.folder.resolve(), _stamp(adapter.weights)))


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
