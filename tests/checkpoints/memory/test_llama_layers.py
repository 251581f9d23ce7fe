"""Which layers of a GGUF file go to a GPU."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.checkpoints.formats.stored_tensors import StoredTensor
from app.checkpoints.memory.footprint import Footprint
from app.checkpoints.memory.llama_layers import LayerSplit, split_layers

MB = 1_000_000
TENSORS = [
    StoredTensor("token_embd.weight", "Q8_0", (1,), 50 * MB),
    *(
        StoredTensor(f"blk.{number}.{what}.weight", "Q4_K", (1,), 5 * MB)
        for number in range(10)
        for what in "ab"
    ),
    StoredTensor("output_norm.weight", "F32", (1,), MB),
    StoredTensor("output.weight", "Q6_K", (1,), 40 * MB),
]
PLAIN = Footprint(
    plain=0, linear=(), buffers=0, cache=10 * 1000, layer_cache=1000, hidden=0, intermediate=0,
    attention=0, heads=1, rows=0, eager=False,
)  # fmt: skip
"""2 MB of keys and values for each layer, in f16 at 1,000 tokens; 1 MB of buffers."""


def split(asked: int | str, free: int, tensors: list[StoredTensor] = TENSORS) -> LayerSplit:
    return split_layers(tensors, PLAIN, asked, 1000, "f16", free)


def test_all_and_none() -> None:
    assert split("all", 0) == LayerSplit(11, 11, 141 * MB)
    assert split(0, 10**12) == LayerSplit(0, 11, 0)
    assert split("all", 0).share == 1


def test_a_number_counts_from_the_output() -> None:
    assert split(1, 0) == LayerSplit(1, 11, 41 * MB)
    assert split(3, 0) == LayerSplit(3, 11, 61 * MB)
    assert split(99, 0) == LayerSplit(11, 11, 141 * MB)


@pytest.mark.parametrize(
    ("room", "layers"),
    [(30, 0), (41, 0), (43, 1), (53, 1), (55, 2), (149, 9), (151, 10), (161, 10), (163, 11)],
)
def test_as_many_as_fit_with_their_kv_cache_and_the_buffers(room: int, layers: int) -> None:
    """A layer takes 12 MB, the output 41 MB, and the buffers a little over 1 MB."""
    free = int(room * MB / 0.85) + 100_000
    assert split("auto", free).layers == layers


def test_a_tied_output_takes_the_embedding_once_more() -> None:
    tied = [tensor for tensor in TENSORS if tensor.name != "output.weight"]
    assert split(1, 0, tied) == LayerSplit(1, 11, 51 * MB)


def test_a_long_context_leaves_room_for_fewer_layers() -> None:
    wide = replace(PLAIN, cache=100 * 1000)
    found = split_layers(TENSORS, wide, "auto", 1000, "f16", 120 * MB)
    smaller = split_layers(TENSORS, wide, "auto", 1000, "q8_0", 120 * MB)
    assert found.layers < smaller.layers < split("auto", 120 * MB).layers
