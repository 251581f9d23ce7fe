"""The weights of a GGUF file, written as transformers names and shapes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, PretrainedConfig

from app.checkpoints.formats.gguf_architectures import architecture_of
from app.checkpoints.formats.gguf_header import Contents, PackedTensor
from app.checkpoints.formats.gguf_metadata import UnusableError
from app.checkpoints.formats.gguf_names import block_and_leaf, places

_SINGLE_ROWS = ("ffn_gate_inp_shexp",)
_SHARD_BYTES = 4_000_000_000
_PLAIN: dict[int, Any] = {0: np.float32, 1: np.float16}


def check_tensors(contents: Contents, config: PretrainedConfig) -> None:
    """Compare the tensors of the file with those of the model, one by one.

    Raises:
        UnusableError: Names the first that the model lacks, or has no use for, or has otherwise.
    """
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if config.tie_word_embeddings:
        expected.pop("lm_head.weight", None)
    found = _by_place(contents)
    for place, names in found.items():
        if place not in expected:
            raise UnusableError(f"its tensor “{names[0]}” has no place in the model")
        shape = _shape_in_model(contents, names, expected[place])
        if shape != expected[place]:
            raise UnusableError(
                f"its tensor “{names[0]}” is {_by(shape)}, "
                f"and the model takes {_by(expected[place])}"
            )
    missing = [name for name in expected if name not in found]
    if missing:
        raise UnusableError(f"it lacks the tensor that becomes “{missing[0]}”")


def _by_place(contents: Contents) -> dict[str, list[str]]:
    """The tensors that make up each of the model's; of experts, the gates come first."""
    order = list(architecture_of(contents).experts)
    found: dict[str, list[str]] = {}
    for name, place in places(contents).items():
        found.setdefault(place, []).append(name)
    for names in found.values():
        if len(names) > 1:
            names.sort(key=lambda name: order.index(block_and_leaf(name)[1]))
    return found


def _shape_in_model(
    contents: Contents, names: list[str], expected: tuple[int, ...]
) -> tuple[int, ...]:
    shapes = [contents.tensors[name].shape for name in names]
    shape = shapes[0]
    _, leaf = block_and_leaf(names[0])
    if leaf in architecture_of(contents).transposed and len(shape) == 2:
        return shape[::-1]
    if leaf in _SINGLE_ROWS and len(shape) == 1 and expected == (1, *shape):
        return expected  # llama.cpp drops the dimension of a single row
    if len(shape) == 3 and all(other == shape for other in shapes):
        return (shape[0], sum(other[1] for other in shapes), shape[2])
    return shape


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def write_weights(
    contents: Contents,
    config: PretrainedConfig,
    folder: Path,
    dtype: torch.dtype,
    tell: Callable[[float], None],
) -> None:
    """Unpack every tensor and write all to ``folder``, with one shard of them in memory."""
    found = _by_place(contents)
    total = sum(contents.tensors[name].size for names in found.values() for name in names) or 1
    done = 0
    shards: list[dict[str, torch.Tensor]] = [{}]
    files: list[list[str]] = []
    held = 0
    for place, names in found.items():
        tell(done / total)
        done += sum(contents.tensors[name].size for name in names)
        parts = [_converted(contents, name, config).to(dtype) for name in names]
        tensor = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        if held and held + tensor.nbytes > _SHARD_BYTES:
            files.append(_write_shard(shards.pop(), folder, len(files)))
            shards.append({})
            held = 0
        shards[-1][place] = tensor
        held += tensor.nbytes
    files.append(_write_shard(shards.pop(), folder, len(files)))
    _write_index(files, folder)


def _write_shard(tensors: dict[str, torch.Tensor], folder: Path, index: int) -> list[str]:
    save_file(tensors, folder / _shard_name(index), metadata={"format": "pt"})
    return list(tensors)


def _shard_name(index: int) -> str:
    return f"model-{index + 1:05}.safetensors"


def _write_index(files: list[list[str]], folder: Path) -> None:
    if len(files) == 1:
        (folder / _shard_name(0)).rename(folder / "model.safetensors")
        return
    weight_map = {name: _shard_name(index) for index, names in enumerate(files) for name in names}
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), encoding="utf-8")


def _converted(contents: Contents, name: str, config: PretrainedConfig) -> torch.Tensor:
    """A tensor of the file, with what llama.cpp's converter did to it undone."""
    architecture = architecture_of(contents)
    values = _unpacked(contents, contents.tensors[name])
    _, leaf = block_and_leaf(name)
    if leaf in architecture.interleaved:
        heads = config.num_key_value_heads if leaf == "attn_k" else config.num_attention_heads
        values = _halves_apart(values, heads)
    if architecture.norms_plus_one and leaf.endswith("_norm"):
        values = values - 1
    if leaf in architecture.transposed and values.ndim == 2:
        values = values.T
    if leaf in _SINGLE_ROWS and values.ndim == 1:
        values = values[None]
    return torch.from_numpy(np.ascontiguousarray(values))


def _unpacked(contents: Contents, tensor: PackedTensor) -> Any:
    raw = np.memmap(contents.path, np.uint8, "r", offset=tensor.start, shape=(tensor.size,))
    if tensor.kind in _PLAIN:
        return raw.view(_PLAIN[tensor.kind]).reshape(tensor.shape).astype(np.float32)
    rows = raw.reshape(*tensor.shape[:-1], -1)
    return gguf.dequantize(rows, gguf.GGMLQuantizationType(tensor.kind)).reshape(tensor.shape)


def _halves_apart(values: Any, heads: int) -> Any:
    """Rotary halves one after the other, as transformers wants queries and keys."""
    pairs = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return pairs.swapaxes(1, 2).reshape(values.shape)
