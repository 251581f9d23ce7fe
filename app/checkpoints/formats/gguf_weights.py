"""The weights of a GGUF file, converted to the names and shapes of transformers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
from app.checkpoints.formats.gguf_names import block_and_leaf, names_in_transformers

_SINGLE_ROWS = ("ffn_gate_inp_shexp",)
_SHARD_BYTES = 4_000_000_000
_PLAIN: dict[int, Any] = {0: np.float32, 1: np.float16}


def check_tensors(contents: Contents, config: PretrainedConfig) -> None:
    """Compare names and shapes of the tensors in the file with those of the model.

    Raises:
        UnusableError: A tensor is missing, unknown to the model, or of another shape.
    """
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if config.tie_word_embeddings:
        expected.pop("lm_head.weight", None)
    found = _by_target(contents)
    for target, names in found.items():
        if target not in expected:
            raise UnusableError(f"its tensor “{names[0]}” does not exist in the model")
        shape = _shape_in_model(contents, names, expected[target])
        if shape != expected[target]:
            raise UnusableError(
                f"its tensor “{names[0]}” is {_shape_text(shape)}, "
                f"and in the model {_shape_text(expected[target])}"
            )
    missing = [name for name in expected if name not in found]
    if missing:
        raise UnusableError(f"it lacks the tensor for “{missing[0]}” of the model")


def _by_target(contents: Contents) -> dict[str, list[str]]:
    """The tensors of the file, by the tensor of the model that is made of them."""
    order = list(architecture_of(contents).experts)
    found: dict[str, list[str]] = {}
    for name, target in names_in_transformers(contents).items():
        found.setdefault(target, []).append(name)
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


def _shape_text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def write_weights(
    contents: Contents,
    config: PretrainedConfig,
    folder: Path,
    dtype: torch.dtype,
    on_share: Callable[[float], None],
) -> None:
    """Dequantize all tensors and write them to ``folder``, with one shard in memory at a time."""
    found = _by_target(contents)
    total = sum(contents.tensors[name].size for names in found.values() for name in names) or 1
    done = 0
    shards: list[dict[str, torch.Tensor]] = [{}]
    files: list[list[str]] = []
    held = 0
    for target, names in found.items():
        on_share(done / total)
        done += sum(contents.tensors[name].size for name in names)
        tensor = _tensor_of(contents, names, config, dtype)
        if held and held + tensor.nbytes > _SHARD_BYTES:
            files.append(_write_shard(shards.pop(), folder, len(files)))
            shards.append({})
            held = 0
        shards[-1][target] = tensor
        held += tensor.nbytes
    files.append(_write_shard(shards.pop(), folder, len(files)))
    _write_index(files, folder)


def dequantized_weights(
    contents: Contents, config: PretrainedConfig
) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and numbers, in float32, of each tensor of the model in transformers."""
    for target, names in _by_target(contents).items():
        yield target, _tensor_of(contents, names, config, torch.float32)


def _tensor_of(
    contents: Contents, names: list[str], config: PretrainedConfig, dtype: torch.dtype
) -> torch.Tensor:
    parts = [_converted(contents, name, config).to(dtype) for name in names]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


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
    """A tensor of the file; reverts the changes that llama.cpp's converter made to it."""
    architecture = architecture_of(contents)
    values = _dequantized(contents.tensors[name])
    _, leaf = block_and_leaf(name)
    if leaf in architecture.interleaved:
        heads = config.num_key_value_heads if leaf == "attn_k" else config.num_attention_heads
        values = _deinterleaved(values, heads)
    if architecture.norms_plus_one and leaf.endswith("_norm"):
        values = values - 1
    if leaf in architecture.transposed and values.ndim == 2:
        values = values.T
    if leaf in _SINGLE_ROWS and values.ndim == 1:
        values = values[None]
    return torch.from_numpy(np.ascontiguousarray(values))


def _dequantized(tensor: PackedTensor) -> Any:
    raw = np.memmap(tensor.path, np.uint8, "r", offset=tensor.start, shape=(tensor.size,))
    if tensor.kind in _PLAIN:
        return raw.view(_PLAIN[tensor.kind]).reshape(tensor.shape).astype(np.float32)
    rows = raw.reshape(*tensor.shape[:-1], -1)
    return gguf.dequantize(rows, gguf.GGMLQuantizationType(tensor.kind)).reshape(tensor.shape)


def _deinterleaved(values: Any, heads: int) -> Any:
    """Reorder the rows of query or key weights: rotary pairs become two halves."""
    pairs = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return pairs.swapaxes(1, 2).reshape(values.shape)
