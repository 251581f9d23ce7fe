"""Sizes of a model that determine its memory: weights, KV cache and work buffers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from app.decoding.step_sizes import PREFILL_CHUNK

BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
_KV_BYTES = {**BYTES, "f16": 2, "f32": 4, "q8_0": 34 / 32}  # and the types of llama.cpp
_LLAMA_ROWS = 64  # rows of logits for which a context of llama.cpp has buffers, at least
_NF4_BLOCK = 64  # weights that share an absmax
# bitsandbytes unpacks a 4-bit matrix to int32 and reorders it as bytes before its first use on
# a CPU; while it quantizes, it holds a float32 and a 4-bit copy.
_NF4_WORK_PER_WEIGHT = 8
_INT8_WORK_PER_WEIGHT = 8


@dataclass(frozen=True, slots=True)
class Footprint:
    """Sizes that determine the memory of one model. Counts are elements, not bytes.

    Attributes:
        plain: Parameters that are not quantized; tied ones count once.
        linear: Rows and columns of the matrices that can be quantized.
        buffers: Bytes of the buffers.
        cache: Keys and values of one token in all layers.
        layer_cache: Keys and values of one token in the largest layer.
        hidden: Width of the residual stream.
        intermediate: Width of the feed-forward layer.
        attention: Width of all query heads together.
        heads: Query heads.
        rows: Rows of the output layer.
        eager: Whether attention materialises its weights.
        cache_known: Whether ``cache`` was counted; otherwise it is an upper bound for most models.
    """

    plain: int
    linear: tuple[tuple[int, int], ...]
    buffers: int
    cache: int
    layer_cache: int
    hidden: int
    intermediate: int
    attention: int
    heads: int
    rows: int
    eager: bool
    cache_known: bool = True

    @property
    def largest_matrix(self) -> int:
        return max((rows * columns for rows, columns in self.linear), default=0)

    def weight_bytes(self, dtype: str, quantization: str) -> int:
        """Bytes of the weights in ``dtype``, with the linear layers quantized."""
        plain = self.plain * BYTES[dtype] + self.buffers
        if quantization == "none":
            return plain + sum(rows * columns for rows, columns in self.linear) * BYTES[dtype]
        size = _int8_bytes if quantization == "int8" else _nf4_bytes
        return plain + sum(size(rows, columns) for rows, columns in self.linear)

    def quantizing_bytes(self, quantization: str) -> int:
        """Peak bytes of quantizing beside the weights; one matrix is quantized at a time."""
        if quantization == "none":
            return 0
        each = _INT8_WORK_PER_WEIGHT if quantization == "int8" else _NF4_WORK_PER_WEIGHT
        return self.largest_matrix * each

    def cache_bytes(self, context: int, dtype: str) -> int:
        """Bytes of the KV cache of one model context. Sliding windows count in full.

        Args:
            context: Number of tokens.
            dtype: The dtype of keys and values, or their type in llama.cpp.
        """
        return int(self.cache * context * _KV_BYTES[dtype])

    def llama_buffer_bytes(self, context: int, kv_type: str) -> int:
        """Bytes of the buffers that a context of llama.cpp holds, for a block of a prompt.

        With keys and values in float32, attention materialises its weights.
        """
        block = min(PREFILL_CHUNK, context)
        mask = 2 * block * context
        feed_forward = 4 * block * (2 * self.intermediate + self.hidden)
        logits = 4 * _LLAMA_ROWS * self.rows
        attention = 4 * self.heads * block * context if kv_type == "f32" else 0
        return mask + 4 * block * self.hidden + max(feed_forward, logits, attention)

    def work_bytes(self, context: int, dtype: str) -> int:
        """Peak bytes of a prefill chunk at the end of the context."""
        chunk = min(PREFILL_CHUNK, context)
        size = BYTES[dtype]
        stream = chunk * self.hidden * (2 * size + 2 * 4)  # and norms in float32
        feed_forward = 3 * chunk * self.intermediate * size
        # A layer's cache grows by a copy; query heads that share keys get keys repeated.
        attention = (
            2 * chunk * self.attention * size
            + self.layer_cache * context * size
            + 2 * context * self.attention * size
            + chunk * context * (1 + size)  # the mask, as bool and as numbers
        )
        if self.eager:
            attention += self.heads * chunk * context * (size + 4)
        return stream + max(feed_forward, attention)


def _int8_bytes(rows: int, columns: int) -> int:
    return rows * columns + rows * 4  # a float32 scale for each row


def _nf4_bytes(rows: int, columns: int) -> int:
    """Bytes in NF4: half a byte per weight and a float32 per block, no double quantization."""
    return ceil(rows * columns / 2) + ceil(rows * columns / _NF4_BLOCK) * 4
