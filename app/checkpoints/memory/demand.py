"""Memory that all roles of a recipe need on each device, while loading and generating."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from app.checkpoints.engine_options import LLAMA_CPP
from app.checkpoints.memory.footprint import Footprint
from app.checkpoints.preflight_report import MemoryPart
from app.decoding.step_sizes import LONGEST, SIZES

HOST = "cpu"
# The first load of any model: code of the architecture, kernels of torch, thread pools.
# Fitted on Linux x86-64 with tests/bench/memory.py; see docs/memory.md.
LIBRARIES = 30_000_000
QUANTIZING_LIBRARIES = 70_000_000  # bitsandbytes with its kernels
_SHARE_FOR_OFFLOADED = 0.85  # of what is free on a device; as in loading.placement
KEPT_ROWS = 512 * 2**20
"""Bytes of rows that are kept for inspection, by the default preferences."""
_DRAFTED_KINDS = 4
"""Kinds of steps with drafts that are captured at once, in every size; a run has one or two."""
_SAMPLING_BYTES = 48
"""Bytes for each position and id while a step on CUDA samples: scores, sorted ids, noise."""


@dataclass(frozen=True, slots=True)
class RoleDemand:
    """Memory that one role needs by itself.

    Attributes:
        name: As in ``Recipe.roles``.
        weights_key: Equal for roles that hold the same weights.
        context_key: Equal for roles that share a model context.
        adapter_key: Equal for roles with the same adapter over the same weights; None without one.
        device: The device of its forward passes.
        offload: Whether layers that do not fit on the device stay in main memory.
        engine: The engine that reads it.
        dtype: The dtype that it computes in; for llama.cpp, the type of the KV cache.
        quantized: Whether its weights are quantized while they are loaded.
        footprint: The sizes of its model.
        weights: Bytes of its weights in memory.
        whole: Bytes of its weights without quantization, as offloaded layers are kept.
        adapter: Bytes of its adapter.
        quantizing: Peak bytes that quantizing needs in addition to the weights.
        file: Bytes of its weight files.
        converted: Bytes of its weight files that are converted from another dtype.
    """

    name: str
    weights_key: Hashable
    context_key: Hashable
    adapter_key: Hashable | None
    device: str
    offload: bool
    engine: str
    dtype: str
    quantized: bool
    footprint: Footprint
    weights: int
    whole: int
    adapter: int
    quantizing: int
    file: int
    converted: int


@dataclass(frozen=True, slots=True)
class Demand:
    """Memory that all roles need on one device; see ``DeviceMemory``."""

    parts: tuple[MemoryPart, ...]
    peak: int
    resident_peak: int
    each_text: int = 0


def add_up(
    roles: Sequence[RoleDemand],
    pairs: int,
    context: int,
    kept_rows: int,
    free_on: Callable[[str], int],
) -> dict[str, Demand]:
    """The memory that ``roles`` need while they are loaded one after another, and while generating.

    Args:
        roles: The roles in the order of ``Recipe.roles``.
        pairs: Number of expert pairs.
        context: Tokens in the KV cache of each model context.
        kept_rows: Bound of the rows that are kept for inspection, in bytes.
        free_on: Returns the free bytes of a device; called for roles that may be offloaded.
    """
    quantizes = any(role.quantized for role in roles)
    libraries = LIBRARIES + (QUANTIZING_LIBRARIES if quantizes else 0)
    loading = _Loading(free_on, libraries)
    for role in sorted(roles, key=lambda role: role.offload):  # roles that must fit come first
        loading.add(role)
    parts = loading.parts(roles)
    for device, more in _while_generating(roles, pairs, context, kept_rows).items():
        parts[device] += [part for part in more if part.size]
    parts[HOST].append(MemoryPart("libraries", "work", libraries))
    beside = _each_text(roles, context)
    return {
        device: _demand(parts[device], loading, device, beside[device])
        for device in _in_order(parts)
    }


def _demand(parts: Sequence[MemoryPart], loading: _Loading, device: str, each_text: int) -> Demand:
    needed = sum(part.size for part in parts)
    peak = max(needed, loading.peak[device])
    return Demand(tuple(parts), peak, max(peak, loading.resident[device]), each_text)


def _each_text(roles: Sequence[RoleDemand], context: int) -> Counter[str]:
    """Bytes of the KV caches of one text in a batch, on each device.

    On a CPU, models with packed weights compute in float32, and so do their caches.
    """
    found = Counter[str]()
    for role in {role.context_key: role for role in roles}.values():
        packed = role.device == HOST and role.engine != LLAMA_CPP
        dtype = "float32" if packed else role.dtype
        found[role.device] += role.footprint.cache_bytes(context, dtype)
    return found


def _in_order(parts: dict[str, list[MemoryPart]]) -> list[str]:
    return sorted((device for device in parts if parts[device]), key=lambda device: device == HOST)


class _Loading:
    """Simulates loading one model after another and records the peak of each device."""

    def __init__(self, free_on: Callable[[str], int], libraries: int) -> None:
        self._free_on = free_on
        self._libraries = Counter({HOST: libraries})
        self._held: dict[Hashable, Counter[str]] = {}
        self._adapters: dict[Hashable, tuple[str, int]] = {}
        self.peak = Counter[str]()
        self.resident = Counter[str]()

    def add(self, role: RoleDemand) -> None:
        if role.weights_key not in self._held:
            self._load(role)
        if role.adapter_key is not None:
            self._adapters[role.adapter_key] = (role.device, role.adapter)

    def parts(self, roles: Sequence[RoleDemand]) -> dict[str, list[MemoryPart]]:
        """The weights on each device, labelled with all roles that share them."""
        parts: dict[str, list[MemoryPart]] = defaultdict(list)
        for key, held in self._in_order_of(roles).items():
            label = " and ".join(role.name for role in roles if role.weights_key == key)
            for device, size in held.items():
                parts[device].append(MemoryPart(label, "weights", size))
        for key, (device, size) in self._adapters.items():
            label = " and ".join(role.name for role in roles if role.adapter_key == key)
            parts[device].append(MemoryPart(f"{label}: adapter", "weights", size))
        return parts

    def _in_order_of(self, roles: Sequence[RoleDemand]) -> dict[Hashable, Counter[str]]:
        return {role.weights_key: self._held[role.weights_key] for role in roles}

    def _load(self, role: RoleDemand) -> None:
        held = self._total()
        placed = self._place(role, held[role.device])
        after = held + placed
        for device in after:
            at_work = role.quantizing if device == role.device else 0
            self.peak[device] = max(self.peak[device], after[device] + at_work)
        moved = role.quantized or role.device != HOST
        reading = role.file if moved else role.converted
        at_work = role.quantizing if role.device == HOST else 0
        self.resident[HOST] = max(self.resident[HOST], after[HOST] + reading + at_work)
        self._held[role.weights_key] = placed

    def _place(self, role: RoleDemand, held: int) -> Counter[str]:
        if role.engine == LLAMA_CPP:
            return Counter({role.device: role.weights}) + Counter({HOST: role.whole - role.weights})
        if not role.offload or role.device == HOST:
            return Counter({role.device: role.weights})
        available = max(0, int(_SHARE_FOR_OFFLOADED * (self._free_on(role.device) - held)))
        here = min(role.weights, available)
        there = role.whole - role.whole * here // role.weights
        return +Counter({role.device: here, HOST: there})

    def _total(self) -> Counter[str]:
        total = Counter[str](self._libraries)
        for held in self._held.values():
            total.update(held)
        return total


def _while_generating(
    roles: Sequence[RoleDemand], pairs: int, context: int, kept_rows: int
) -> dict[str, list[MemoryPart]]:
    """KV caches, logits, buffers of prefill chunks, captured steps, and kept rows."""
    contexts = list({role.context_key: role for role in roles}.values())
    cache, work, buffers = Counter[str](), Counter[str](), Counter[str]()
    for role in contexts:
        cache[role.device] += role.footprint.cache_bytes(context, role.dtype)
        if role.engine == LLAMA_CPP:  # each of its contexts holds its own
            buffers[role.device] += role.footprint.llama_buffer_bytes(context, role.dtype)
        else:
            needed = role.footprint.work_bytes(context, role.dtype)
            work[role.device] = max(work[role.device], needed)
    base = roles[0]
    rows = len(contexts) * base.footprint.rows * 4
    # Rows as computed and stacked; differences and their sum; three float64 rows of sampling.
    work[base.device] += 2 * rows + (2 * pairs + 3) * base.footprint.rows * 4
    work[HOST] += 3 * base.footprint.rows * 8
    kept = min(kept_rows, context * rows)
    parts: dict[str, list[MemoryPart]] = defaultdict(list)
    for device in {*cache, *work, *buffers}:
        parts[device].append(MemoryPart("buffers of llama.cpp", "work", buffers[device]))
        parts[device].append(MemoryPart("KV cache", "cache", cache[device]))
        parts[device].append(MemoryPart("logits and work", "work", work[device]))
    for device in {role.device for role in contexts if role.device.startswith("cuda")}:
        mirrors, pool = _captured_steps([it for it in contexts if it.device == device], pairs)
        parts[device].append(MemoryPart("CUDA graphs", "work", mirrors + pool))
        parts[HOST].append(MemoryPart("pinned memory of CUDA graphs", "work", mirrors))
    parts[HOST].append(MemoryPart("logits kept for inspection", "work", kept))
    return parts


def _captured_steps(contexts: Sequence[RoleDemand], pairs: int) -> tuple[int, int]:
    """Bytes of captured steps: their inputs and outputs, which the host holds too, and their pool.

    All kinds of steps share the rows that they put out, and the pool in which they compute. Kinds
    with drafts have rows of the drafter as inputs.
    """
    if any(role.offload for role in contexts):
        return 0, 0  # such models are not captured
    vocabulary = contexts[0].footprint.rows
    mirrors = (len(contexts) + _DRAFTED_KINDS) * sum(SIZES) * vocabulary * 4
    return mirrors, LONGEST * vocabulary * (4 * pairs + _SAMPLING_BYTES)
