"""Computations over buffers of fixed address, which can be captured as CUDA graphs and replayed.

A computation is written once. A :data:`Capture` decides whether it is captured and whether
independent parts of it run in parallel; on a machine without CUDA the same code runs uncaptured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import ClassVar, Protocol
from weakref import WeakSet

import torch
from torch import Tensor

_WARM_UPS = 2  # in the first runs libraries allocate their workspaces
_TIMED = 3
_ALIGNED = 64  # bytes

Action = Callable[[], None]
ActionRunner = Callable[[Sequence[Action]], None]
"""Runs independent actions, sequentially or in parallel."""
Computation = Callable[[ActionRunner], None]
"""Reads and writes buffers of fixed address; running it twice has the effect of running it once."""


class CaptureError(Exception):
    """A computation cannot be captured; its text says why."""


class Capture(Protocol):
    """Prepares a computation to be run repeatedly."""

    def __call__(self, compute: Computation, parts: int = 1) -> Action:
        """An action that runs ``compute``.

        Args:
            compute: The computation.
            parts: Number of independent actions that it passes to its runner.

        Raises:
            CaptureError: The computation cannot be captured.
        """
        ...


def run_sequentially(parts: Sequence[Action]) -> None:
    """Run actions one after another."""
    for part in parts:
        part()


def uncaptured(compute: Computation, parts: int = 1) -> Action:
    """Run ``compute`` as it is, without a capture."""
    return lambda: compute(run_sequentially)


class CudaGraphs:
    """Captures computations of one device as CUDA graphs, which share one memory pool.

    A computation with several parts is captured twice, with the parts on one stream and on streams
    of their own, and the graph that is measured to be faster is kept.

    A failed capture can leave the CUDA context of the process unfit for further captures, so after
    one failure no :class:`CudaGraphs` of the process captures again.

    Args:
        device: The CUDA device on which the computations run; it need not be the current one.
    """

    failure: ClassVar[str] = ""
    """Why a capture failed in this process, or an empty string."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._graphs = WeakSet[torch.cuda.CUDAGraph]()
        self._pool = torch.cuda.graph_pool_handle()
        # torch.cuda.graph captures on a stream of the device that was current at its first use.
        self._stream = torch.cuda.Stream(device)

    def __call__(self, compute: Computation, parts: int = 1) -> Action:
        if CudaGraphs.failure:
            raise CaptureError(CudaGraphs.failure)
        # Streams, events and allocations below belong to the current device.
        with torch.cuda.device(self._device):
            runners: list[ActionRunner] = [run_sequentially]
            if parts > 1:
                runners.append(_ParallelStreams(parts))
            try:
                graphs = [self._captured(compute, runner) for runner in runners]
                best = min(graphs, key=_seconds) if parts > 1 else graphs[0]
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                CudaGraphs.failure = str(error).partition("\n")[0]
                raise CaptureError(CudaGraphs.failure) from error
        replay: Action = best.replay
        return replay

    def _captured(self, compute: Computation, runner: ActionRunner) -> torch.cuda.CUDAGraph:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(_WARM_UPS):
                compute(runner)
        torch.cuda.current_stream().wait_stream(self._stream)
        if not self._graphs:  # torch takes no name of a pool again whose graphs are all gone
            self._pool = torch.cuda.graph_pool_handle()
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        graph = torch.cuda.CUDAGraph()
        # Not torch.cuda.graph: it leaves its stream the current one when the capture fails.
        with torch.cuda.stream(self._stream):
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                compute(runner)
            finally:
                self._end(graph)
        self._graphs.add(graph)
        return graph

    def _end(self, graph: torch.cuda.CUDAGraph) -> None:
        try:
            graph.capture_end()
        except RuntimeError:
            # torch raises before it tells its allocator that the capture is over, and every later
            # allocation of this thread would go to the pool of a graph that does not exist.
            with suppress(RuntimeError):
                torch._C._cuda_endAllocateToPool(self._device.index or 0, self._pool)
            raise


class _ParallelStreams:
    """Runs each action on a CUDA stream of its own, then joins the streams."""

    def __init__(self, parts: int) -> None:
        self._streams = [torch.cuda.Stream() for _ in range(parts - 1)]

    def __call__(self, parts: Sequence[Action]) -> None:
        current = torch.cuda.current_stream()
        for stream, part in zip(self._streams, parts[1:], strict=True):
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                part()
        parts[0]()
        for stream in self._streams:
            current.wait_stream(stream)


def _seconds(graph: torch.cuda.CUDAGraph) -> float:
    begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begun.record()
    for _ in range(_TIMED):
        graph.replay()
    ended.record()
    ended.synchronize()
    return float(begun.elapsed_time(ended))


class Mirror:
    """A set of tensors in one piece of memory on the host and one on the device.

    Copying one piece of memory moves all tensors with a single transfer.

    Args:
        shapes: Shape and dtype of each tensor, by name.
        device: The device; host memory is pinned if it is a CUDA device.

    Attributes:
        host: The tensors on the host, by name.
        device: The tensors on the device, by name.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[tuple[int, ...], torch.dtype]], device: torch.device
    ) -> None:
        sizes = [prod(shape) * dtype.itemsize for shape, dtype in shapes.values()]
        slices, total = [], 0
        for size in sizes:
            slices.append(slice(total, total + size))
            total += -(-size // _ALIGNED) * _ALIGNED
        self._on_host = torch.zeros(total, dtype=torch.uint8, pin_memory=device.type == "cuda")
        self._on_device = torch.zeros(total, dtype=torch.uint8, device=device)
        self._device = device

        def views(memory: Tensor) -> dict[str, Tensor]:
            return {
                name: memory[part].view(dtype).view(shape)
                for part, (name, (shape, dtype)) in zip(slices, shapes.items(), strict=True)
            }

        self.host, self.device = views(self._on_host), views(self._on_device)

    def copy_to_device(self) -> None:
        """Start copying all tensors from the host to the device."""
        self._on_device.copy_(self._on_host, non_blocking=True)

    def copy_to_host(self) -> None:
        """Start copying all tensors to the host; they are there after :meth:`synchronize`."""
        self._on_host.copy_(self._on_device, non_blocking=True)

    def synchronize(self) -> None:
        """Wait until the device has finished all work of its current stream, copies included."""
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()
