"""What the roles of a recipe take together on each device, while loading and generating."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from app.checkpoints.memory.footprint import Footprint
from app.checkpoints.preflight_report import MemoryPart

HOST = "cpu"
# What the first load adds to the process: code of the model, kernels of torch, pools of threads.
# Fitted on Linux x86-64 with tests/bench/memory.py; see docs/memory.md.
LIBRARIES = 30_000_000
QUANTIZING_LIBRARIES = 70_000_000  # bitsandbytes with its kernels
_SHARE_FOR_OFFLOADED = 0.85  # of what is free on a device; as in loading.placement
_ROWS_KEPT = 512 * 2**20  # app.attribution.row_store.DEFAULT_BYTES, a layer that is not seen here


@dataclass(frozen=True, slots=True)
class RoleDemand:
    """What one role takes by itself.

    Attributes:
        name: As in ``Recipe.roles``.
        weights_key: Equal for roles that hold the same weights.
        context_key: Equal for roles that share a model context.
        adapter_key: Equal for roles with the same adapter over the same weights; None without one.
        device: Where it is evaluated.
        offload: Whether what does not fit there stays in main memory.
        dtype: What it computes in.
        quantized: Whether its weights are quantised while they are loaded.
        footprint: Of its model.
        weights: Bytes of its weights in memory.
        whole: The same without quantisation, as layers in main memory are.
        adapter: Bytes of its adapter.
        quantizing: The most that quantising takes beside the weights.
        file: Bytes of its weight files.
        converted: Bytes of its weight files that are stored in another dtype.
    """

    name: str
    weights_key: Hashable
    context_key: Hashable
    adapter_key: Hashable | None
    device: str
    offload: bool
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
    """What all roles take on one device; see ``DeviceMemory``."""

    parts: tuple[MemoryPart, ...]
    peak: int
    resident_peak: int


def add_up(
    roles: Sequence[RoleDemand], pairs: int, context: int, free_on: Callable[[str], int]
) -> dict[str, Demand]:
    """Add up what ``roles`` take while they are loaded one after another, and while generating.

    Args:
        roles: In the order of ``Recipe.roles``.
        pairs: How many expert pairs there are.
        context: Tokens in the KV cache of each model context.
        free_on: Bytes free on a device; asked where a role may be offloaded.
    """
    quantizes = any(role.quantized for role in roles)
    libraries = LIBRARIES + (QUANTIZING_LIBRARIES if quantizes else 0)
    loading = _Loading(free_on, libraries)
    for role in sorted(roles, key=lambda role: role.offload):  # what must fit comes first
        loading.add(role)
    parts = loading.parts(roles)
    for device, more in _while_generating(roles, pairs, context).items():
        parts[device] += [part for part in more if part.size]
    parts[HOST].append(MemoryPart("libraries", "work", libraries))
    return {device: _demand(parts[device], loading, device) for device in _in_order(parts)}


def _demand(parts: Sequence[MemoryPart], loading: _Loading, device: str) -> Demand:
    needed = sum(part.size for part in parts)
    peak = max(needed, loading.peak[device])
    return Demand(tuple(parts), peak, max(peak, loading.resident[device]))


def _in_order(parts: dict[str, list[MemoryPart]]) -> list[str]:
    return sorted((device for device in parts if parts[device]), key=lambda device: device == HOST)


class _Loading:
    """Follows the load of one model after another and keeps the highest marks of each device."""

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
        """The weights on each device, named by all roles that share them."""
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
        if not role.offload or role.device == HOST:
            return Counter({role.device: role.weights})
        room = max(0, int(_SHARE_FOR_OFFLOADED * (self._free_on(role.device) - held)))
        here = min(role.weights, room)
        there = role.whole - role.whole * here // role.weights
        return +Counter({role.device: here, HOST: there})

    def _total(self) -> Counter[str]:
        total = Counter[str](self._libraries)
        for held in self._held.values():
            total.update(held)
        return total


def _while_generating(
    roles: Sequence[RoleDemand], pairs: int, context: int
) -> dict[str, list[MemoryPart]]:
    """KV caches, logits, the work of one chunk at a time, rows to look at, and libraries."""
    contexts = list({role.context_key: role for role in roles}.values())
    cache, work = Counter[str](), Counter[str]()
    for role in contexts:
        cache[role.device] += role.footprint.cache_bytes(context, role.dtype)
        work[role.device] = max(work[role.device], role.footprint.work_bytes(context, role.dtype))
    base = roles[0]
    rows = len(contexts) * base.footprint.rows * 4
    # Rows as they come and stacked; differences and their sum; float64 for the draw, thrice.
    work[base.device] += 2 * rows + (2 * pairs + 3) * base.footprint.rows * 4
    work[HOST] += 3 * base.footprint.rows * 8
    kept = min(_ROWS_KEPT, context * rows)
    parts: dict[str, list[MemoryPart]] = defaultdict(list)
    for device in {*cache, *work}:
        parts[device].append(MemoryPart("KV cache", "cache", cache[device]))
        parts[device].append(MemoryPart("logits and work", "work", work[device]))
    parts[HOST].append(MemoryPart("rows kept for looking at tokens", "work", kept))
    return parts
