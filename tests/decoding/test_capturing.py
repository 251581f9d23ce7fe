"""What is asked of CUDA, by a stand-in for it: there is no device here."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from app.decoding.capturing import CaptureError, CudaGraphs

DEVICE = torch.device("cuda:1")


class Stream:
    """A stream of the device it was made for, or of the current one."""

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or Cuda.device

    def wait_stream(self, other: Stream) -> None:
        assert other.device == self.device


class Cuda:
    """The state of the stand-in: what torch keeps for a process."""

    device = torch.device("cuda:0")
    stream = Stream(torch.device("cuda:0"))
    pool_recording: int | None = None


class Graph:
    """As torch has it: a pool goes with the last of its graphs, and its name is not taken again."""

    used: dict[int, int]
    pool = 0

    def capture_begin(self, pool: int, capture_error_mode: str) -> None:
        if self.used.get(pool) == 0:
            raise RuntimeError("use_count > 0 INTERNAL ASSERT FAILED")
        self.used[pool] = self.used.get(pool, 0) + 1
        self.pool = pool
        self.device = Cuda.stream.device
        Cuda.pool_recording = pool

    def capture_end(self) -> None:
        if sys.exc_info()[0] is not None:  # what ran was refused by the driver
            raise RuntimeError("operation failed due to a previous error during capture")
        Cuda.pool_recording = None

    def replay(self) -> None:
        """Nothing was captured."""

    def __del__(self) -> None:
        if self.pool:
            self.used[self.pool] -= 1


@contextmanager
def _stream(stream: Stream) -> Iterator[None]:
    before, Cuda.stream = Cuda.stream, stream
    try:
        yield
    finally:
        Cuda.stream = before


@contextmanager
def _device(device: torch.device) -> Iterator[None]:
    before, stream = Cuda.device, Cuda.stream
    Cuda.device, Cuda.stream = device, Stream(device)
    try:
        yield
    finally:
        Cuda.device, Cuda.stream = before, stream


def _end_allocating(device: int, pool: int) -> None:
    assert Cuda.pool_recording == pool
    Cuda.pool_recording = None


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """How many graphs each pool has."""
    used: dict[int, int] = {}
    names = itertools.count(1)
    monkeypatch.setattr(Graph, "used", used, raising=False)
    monkeypatch.setattr(CudaGraphs, "failure", "")
    stand_ins = {
        "graph_pool_handle": lambda: next(names),
        "CUDAGraph": Graph,
        "Stream": Stream,
        "current_stream": lambda: Cuda.stream,
        "stream": _stream,
        "device": _device,
        "synchronize": lambda: None,
        "empty_cache": lambda: None,
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", _end_allocating, raising=False)
    return used


def test_graphs_share_memory_and_can_all_be_made_anew(used: dict[int, int]) -> None:
    """When KV caches move, every graph goes before the next one is captured."""
    capture = CudaGraphs(DEVICE)
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
        CudaGraphs(DEVICE)(compute)


def test_everything_is_captured_on_the_device_of_the_model(used: dict[int, int]) -> None:
    """A graph that is captured on a stream of another device is empty, and its rows are stale."""
    ran_on = []
    capture = CudaGraphs(DEVICE)
    replay = capture(lambda runner: ran_on.append((Cuda.device, Cuda.stream.device)))
    replay()
    assert set(ran_on) == {(DEVICE, DEVICE)}
    assert [graph.device for graph in capture._graphs] == [DEVICE]
    assert Cuda.device == torch.device("cuda:0")


def test_a_failed_capture_leaves_stream_and_allocator_as_they_were(used: dict[int, int]) -> None:
    def compute(runner: object) -> None:
        if Cuda.pool_recording is not None:
            raise RuntimeError("operation not permitted when stream is capturing")

    before = Cuda.stream
    with pytest.raises(CaptureError):
        CudaGraphs(DEVICE)(compute)
    assert Cuda.stream is before
    assert Cuda.pool_recording is None


def test_nothing_is_captured_in_a_process_where_a_capture_failed(used: dict[int, int]) -> None:
    def compute(runner: object) -> None:
        raise RuntimeError("operation not permitted")

    with pytest.raises(CaptureError):
        CudaGraphs(DEVICE)(compute)
    calls = []
    with pytest.raises(CaptureError, match="operation not permitted"):
        CudaGraphs(DEVICE)(calls.append)
    assert calls == []
