"""Memory limits of the control group, and mapped weight files, of this process on Linux.

On other systems there is no limit and nothing is mapped. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

_WEIGHT_SUFFIXES = (".safetensors", ".gguf")
_BLOB_PREFIX = "sha256-"
"""Beginning of the names of Ollama's files."""
_FOR_WEIGHTS = 0.9
"""Share of the memory that weights may take; the rest is for KV caches, logits and programs."""


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """The memory limit of a control group, and how much of it is left."""

    total: int
    free: int


def memory_limit(root: Path = Path("/")) -> MemoryLimit | None:
    """The tightest memory limit among the control groups of this process, version 1 or 2.

    A container or a service may have less memory than the machine. File pages count as free, since
    the system reclaims them when memory is short.

    Args:
        root: The folder that contains ``proc`` and ``sys``.
    """
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    limits = [limit for group in groups for limit in _limits(root, group)]
    return min(limits, key=lambda limit: limit.free, default=None)


def main_memory(limit: MemoryLimit | None) -> int:
    """Bytes of the main memory, up to the limit for this process."""
    total = int(psutil.virtual_memory().total)
    return total if limit is None else min(total, limit.total)


def weights_fit(size: int, memory: int) -> bool:
    """Whether weights of ``size`` bytes leave enough of ``memory`` bytes for everything else.

    For models whose files are not here yet; the memory estimate of a recipe is exact.
    """
    return size <= _FOR_WEIGHTS * memory


def _limits(root: Path, group: str) -> Iterator[MemoryLimit]:
    """The limits of a control group and its parents.

    ``group`` is a line of ``/proc/self/cgroup``: a number, controllers and a path, separated by
    colons.
    """
    _, controllers, path = group.split(":", 2)
    if controllers == "":
        mount, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "")
    elif "memory" in controllers.split(","):
        mount = root / "sys/fs/cgroup/memory"
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
    else:
        return
    most, used, prefix = names
    folder = mount / path.lstrip("/")
    # In a container the path may not exist; the container's own group is then the mount itself.
    for level in (folder, *folder.parents):
        if not level.is_relative_to(mount):
            return
        limit = _limit(level / most, level / used, level / "memory.stat", prefix)
        if limit is not None:
            yield limit


def _limit(most: Path, used: Path, stat: Path, prefix: str) -> MemoryLimit | None:
    try:
        total = int(most.read_text())  # raises for “max”, which means no limit
        taken = int(used.read_text())
        entries = dict(line.split() for line in stat.read_text().splitlines())
    except (OSError, ValueError):
        return None
    files = sum(int(entries.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
    return MemoryLimit(total, max(0, total - max(0, taken - files)))


def held_bytes(status: Path = Path("/proc/self/status")) -> int:
    """Bytes of memory that this process holds and the system cannot take back.

    On Linux, that is anonymous memory and the weight files that are still mapped, which models
    compute from. Pages of libraries and of files that were only read are not counted.
    """
    try:
        lines = status.read_text().splitlines()
    except OSError:
        lines = []
    anonymous = next((line.split()[1] for line in lines if line.startswith("RssAnon:")), None)
    if anonymous is None:  # another system, or a kernel that does not say it
        return int(psutil.Process().memory_full_info().uss)
    return int(anonymous) * 1024 + mapped_weight_bytes()


def mapped_weight_bytes(maps: Path = Path("/proc/self/maps")) -> int:
    """Bytes of weight files that this process has mapped into memory.

    On Linux, transformers keeps weights that need no conversion in the mapped file, and llama.cpp
    those that it does not rearrange for the processor. The kernel counts such pages as available,
    so that unloading them does not increase available memory.
    """
    try:
        lines = maps.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    mapped = 0
    for line in lines:
        name = line.rpartition("/")[2].lower()
        if name.endswith(_WEIGHT_SUFFIXES) or name.startswith(_BLOB_PREFIX):
            first, _, last = line.split(maxsplit=1)[0].partition("-")
            mapped += int(last, 16) - int(first, 16)
    return mapped
