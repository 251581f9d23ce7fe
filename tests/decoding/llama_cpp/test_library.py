"""How the library is loaded."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from app.decoding.llama_cpp.library import _LOG, ComputeDevice, collected_errors, device_pointer
from app.errors import DeviceError

_SCRIPT = """
import sys
from app.decoding.llama_cpp.library import devices, is_installed
assert is_installed()
print(*(device.kind for device in devices()))
assert is_installed()
assert "diskcache" not in sys.modules, "caches that are read by pickle are imported"
"""


@pytest.mark.process
def test_the_binding_comes_without_its_pickled_caches() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert "cpu" in done.stdout.split()


@pytest.mark.parametrize(
    ("name", "in_recipes"),
    [("CPU", "cpu"), ("Vulkan0", "vulkan:0"), ("CUDA12", "cuda:12"), ("MTL0", "mtl:0")],
)
def test_a_device_has_a_name_for_recipes(name: str, in_recipes: str) -> None:
    assert ComputeDevice(name, "", "gpu", 0, 0).in_recipes == in_recipes


def test_a_device_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(DeviceError, match=r"no device vulkan:9.*it sees .*cpu"):
        device_pointer("vulkan:9")


def test_errors_of_another_thread_are_not_collected() -> None:
    with collected_errors() as errors:
        other = threading.Thread(target=_LOG.warning, args=("of another load",))
        other.start()
        other.join()
        _LOG.warning("of this load")
    assert errors == ["of this load"]
