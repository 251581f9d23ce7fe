"""Limits of control groups and mapped weight files."""

from __future__ import annotations

import gc
import platform
from pathlib import Path

import psutil
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from app.checkpoints.host_memory import (
    MemoryLimit,
    held_bytes,
    main_memory,
    mapped_weight_bytes,
    memory_limit,
    weights_fit,
)
from tests.reliability.children import run_python

GB = 10**9
linux = pytest.mark.skipif(platform.system() != "Linux", reason="asks Linux")


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def _version_2(folder: str, most: str, used: int, files: int = 0) -> dict[str, str]:
    return {
        f"sys/fs/cgroup{folder}/memory.max": f"{most}\n",
        f"sys/fs/cgroup{folder}/memory.current": f"{used}\n",
        f"sys/fs/cgroup{folder}/memory.stat": f"anon 5\nactive_file {files}\ninactive_file 0\n",
    }


def test_a_group_with_a_limit_counts_pages_of_files_as_free(tmp_path: Path) -> None:
    files = _version_2("/user/app", str(8 * GB), 5 * GB, files=2 * GB)
    root = _write(tmp_path, {"proc/self/cgroup": "0::/user/app\n", **files})
    assert memory_limit(root) == MemoryLimit(8 * GB, 5 * GB)


def test_the_tightest_group_above_decides(tmp_path: Path) -> None:
    files = {
        **_version_2("/user/app", "max", GB),
        **_version_2("/user", str(4 * GB), 3 * GB),
        **_version_2("", str(16 * GB), 4 * GB),
    }
    root = _write(tmp_path, {"proc/self/cgroup": "0::/user/app\n", **files})
    assert memory_limit(root) == MemoryLimit(4 * GB, GB)


def test_inside_a_container_the_group_is_where_groups_are_mounted(tmp_path: Path) -> None:
    files = _version_2("", str(2 * GB), GB)
    root = _write(tmp_path, {"proc/self/cgroup": "0::/../../docker/abc\n", **files})
    assert memory_limit(root) == MemoryLimit(2 * GB, GB)


def test_version_1_has_other_names(tmp_path: Path) -> None:
    folder = "sys/fs/cgroup/memory/job"
    files = {
        f"{folder}/memory.limit_in_bytes": f"{6 * GB}\n",
        f"{folder}/memory.usage_in_bytes": f"{4 * GB}\n",
        f"{folder}/memory.stat": f"total_active_file {GB}\ntotal_inactive_file {GB}\n",
    }
    root = _write(tmp_path, {"proc/self/cgroup": "9:name=x:/\n4:memory:/job\n0::/\n", **files})
    assert memory_limit(root) == MemoryLimit(6 * GB, 4 * GB)


def test_a_group_that_took_more_than_its_limit_has_nothing_left(tmp_path: Path) -> None:
    files = _version_2("/a", str(GB), 2 * GB)
    root = _write(tmp_path, {"proc/self/cgroup": "0::/a\n", **files})
    assert memory_limit(root) == MemoryLimit(GB, 0)


@pytest.mark.parametrize("files", [{}, {"proc/self/cgroup": "0::/a\n"}])
def test_without_groups_nothing_is_limited(tmp_path: Path, files: dict[str, str]) -> None:
    assert memory_limit(_write(tmp_path, files)) is None


@pytest.mark.slow
@linux
def test_weights_that_stay_in_their_file_are_seen_until_they_are_let_go(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.ones(1000, 1000)}, path)
    gc.collect()
    before = mapped_weight_bytes()
    with safe_open(path, framework="pt", backend="mmap") as file:
        weight = file.get_slice("weight")[...]
    assert mapped_weight_bytes() - before >= weight.nbytes
    del weight, file
    gc.collect()
    assert mapped_weight_bytes() <= before


@pytest.mark.parametrize(
    ("name", "counted"),
    [("a.safetensors", True), ("b-Q4_K_M.GGUF", True), ("sha256-3ef0", True), ("c.so", False)],
)
def test_weight_files_are_told_by_their_names(tmp_path: Path, name: str, counted: bool) -> None:
    maps = tmp_path / "maps"
    maps.write_text(f"7f0000-7f4000 r--p 00000000 08:01 42     /models/blobs/{name}\n")
    assert mapped_weight_bytes(maps) == (0x4000 if counted else 0)


def test_where_there_is_no_map_nothing_is_mapped(tmp_path: Path) -> None:
    assert mapped_weight_bytes(tmp_path / "maps") == 0


def test_a_mapped_file_whose_name_is_not_utf8(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.write_bytes(b"7f00-7f01 r--p 00000000 08:01 7  /models/\xff.txt\n")
    assert mapped_weight_bytes(maps) == 0


_HELD = """
import gc, mmap, sys
from pathlib import Path
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from app.checkpoints.host_memory import held_bytes
from app.checkpoints.memory.heap import release_memory

size, folder = int(sys.argv[1]), Path(sys.argv[2])
save_file({"weight": torch.ones(size // 4)}, folder / "model.safetensors")
plain = folder / "plain.bin"
plain.write_bytes(bytes(size))
release_memory()  # pages of the heap that are free but held would be used first
before = held_bytes()
with plain.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
    assert sum(pages[::4096]) == 0
    print(held_bytes() - before)
anonymous = torch.ones(size // 4)
print(held_bytes() - before)
del anonymous
release_memory()
before = held_bytes()
with safe_open(folder / "model.safetensors", "pt") as file:
    weight = file.get_tensor("weight")
    print(held_bytes() - before)
del weight, file
gc.collect()
print(held_bytes() - before)
"""


@pytest.mark.process
@linux
def test_held_memory_is_anonymous_or_a_mapped_weight_file(tmp_path: Path) -> None:
    size = 80_000_000
    done = run_python(_HELD, size, tmp_path)
    assert done.returncode == 0, done.stderr
    mapped, anonymous, weights, left = map(int, done.stdout.split())
    assert mapped < size / 4, "pages of other files are not held"
    assert anonymous == pytest.approx(size, rel=0.2)
    assert weights >= 0.9 * size
    assert left < size / 4


@pytest.mark.parametrize("status", [None, "Name:\tpython\nVmRSS:\t   7 kB\n"])
def test_without_a_figure_of_the_kernel_the_memory_of_this_process_alone_is_held(
    tmp_path: Path, status: str | None
) -> None:
    path = tmp_path / "status"
    if status is not None:
        path.write_text(status)
    assert held_bytes(path) == pytest.approx(psutil.Process().memory_full_info().uss, rel=0.1)


def test_main_memory_is_that_of_the_machine_up_to_the_limit() -> None:
    whole = main_memory(None)
    assert whole == psutil.virtual_memory().total
    assert main_memory(MemoryLimit(1000, 10)) == 1000
    assert main_memory(MemoryLimit(2**63, 10)) == whole
    assert weights_fit(90, 100)
    assert not weights_fit(91, 100)
