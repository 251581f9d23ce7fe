"""GGUF files in the shapes of Qwen2.5 with random numbers, whose speed and memory are the same.

``python -m tests.bench.llama_shapes 1.5b FILE`` writes one as Q4_K_M has it (Q4_K and Q6_K), and
with ``0.5b`` one as Q5_K_M has it (Q5_0 and Q8_0, since its rows are no multiples of 256). What a
quantized number says changes neither time nor memory; there are as many tokens as in the original.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from tests import tiny, tiny_gguf

_KIND = gguf.GGMLQuantizationType
_TOKENS = 151_936
_SCALE = np.float16(1e-3)


@dataclass(frozen=True)
class Shape:
    """The sizes of a model, and the types of most of its matrices and of the larger ones."""

    hidden: int
    layers: int
    inner: int
    heads: int
    usual: gguf.GGMLQuantizationType
    larger: gguf.GGMLQuantizationType


SHAPES = {
    "1.5b": Shape(1536, 28, 8960, 12, _KIND.Q4_K, _KIND.Q6_K),
    "0.5b": Shape(896, 24, 4864, 14, _KIND.Q5_0, _KIND.Q8_0),
}
_GROUPS = 2
_SCALES = {_KIND.Q4_K: (0, 2), _KIND.Q6_K: (208,), _KIND.Q5_0: (0,), _KIND.Q8_0: (0,)}
"""Where the scales in half precision are in a block of each type; random ones may be infinite."""


def blocks(rows: int, columns: int, kind: gguf.GGMLQuantizationType) -> NDArray[np.uint8]:
    """A matrix of random numbers as its bytes."""
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    random = np.random.default_rng(rows + columns)
    found = random.integers(0, 256, (rows * columns // elements, size), np.uint8)
    for place in _SCALES[kind]:
        found[:, place : place + 2] = np.frombuffer(_SCALE.tobytes(), np.uint8)
    return found.reshape(rows, -1)


def write(shape: Shape, path: Path) -> None:
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_context_length(32_768)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(_GROUPS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    tiny_gguf.write_byte_level(writer, tiny.make_tokenizer(), (tiny.EOS,), "qwen2")
    few = writer.kv_data[0].pop("tokenizer.ggml.tokens").value
    writer.kv_data[0].pop("tokenizer.ggml.token_type")
    writer.add_token_list([*few, *(f"[{index}]" for index in range(len(few), _TOKENS))])
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(0)
    writer.add_add_bos_token(False)

    def matrix(name: str, rows: int, columns: int, kind: gguf.GGMLQuantizationType) -> None:
        writer.add_tensor(f"{name}.weight", blocks(rows, columns, kind), raw_dtype=kind)

    def vector(name: str, size: int, value: float) -> None:
        writer.add_tensor(name, np.full(size, value, np.float32))

    hidden, keys = shape.hidden, shape.hidden // shape.heads * _GROUPS
    matrix("token_embd", _TOKENS, hidden, shape.larger)
    vector("output_norm.weight", hidden, 1.0)
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        larger = shape.larger if layer % 2 else shape.usual
        for norm in ("attn_norm", "ffn_norm"):
            vector(f"{block}.{norm}.weight", hidden, 1.0)
        for name, rows in (("attn_q", hidden), ("attn_k", keys), ("attn_v", keys)):
            matrix(f"{block}.{name}", rows, hidden, larger if name == "attn_v" else shape.usual)
            vector(f"{block}.{name}.bias", rows, 0.0)
        matrix(f"{block}.attn_output", hidden, hidden, shape.usual)
        matrix(f"{block}.ffn_gate", shape.inner, hidden, shape.usual)
        matrix(f"{block}.ffn_up", shape.inner, hidden, shape.usual)
        matrix(f"{block}.ffn_down", hidden, shape.inner, larger)
    tiny_gguf.finish(writer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    write(SHAPES[options.shape], options.file)


if __name__ == "__main__":
    main()
