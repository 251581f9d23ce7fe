"""What is asked of CUDA, by a stand-in for it: there is no device here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import torch

from app.decoding.capturing import CaptureError, CudaGraphs


class Stream:
    def wait_stream(self, other: Stream) -> None:
        """Nothing goes on beside."""


class Graph:
    """As torch has it: a pool goes with the last of its graphs, and its name is not taken again."""

    used: dict[int, int]
    pool = 0

    def replay(self) -> None:
        """Nothing was captured."""

    def __del__(self) -> None:
        if self.pool:
            self.used[self.pool] -= 1


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """How many graphs each pool has."""
    used: dict[int, int] = {}
    names = itertools.count(1)

    @contextmanager
    def capture(graph: Graph, pool: int, capture_error_mode: str) -> Iterator[None]:
        if used.get(pool) == 0:
            raise RuntimeError("use_count > 0 INTERNAL ASSERT FAILED")
        used[pool] = used.get(pool, 0) + 1
        graph.used, graph.pool = used, pool
        yield

    stand_ins = {
        "graph_pool_handle": lambda: next(names),
        "CUDAGraph": Graph,
        "graph": capture,
        "Stream": Stream,
        "current_stream": Stream,
        "stream": lambda stream: nullcontext(),
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    return used


def test_graphs_share_memory_and_can_all_be_made_anew(used: dict[int, int]) -> None:
    """When KV caches move, every graph goes before the next one is captured."""
    capture = CudaGraphs()
    runs = [capture(lambda runner: None) for _ in range(3)]
    assert list(used.values()) == [3]
    runs.clear()
    runs = [capture(lambda runner: None) for _ in range(2)]
    assert list(used.values()) == [0, 2]
    runs.pop(0)
    runs.append(capture(lambda runner: None))
    assert list(used.values()) == [0, 2]


def test_what_cannot_be_captured_is_said(used: dict[int, int]) -> None:
    def compute(runner: object) -> None:
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    with pytest.raises(CaptureError, match=r"^operation not permitted$"):
        CudaGraphs()(compute)
