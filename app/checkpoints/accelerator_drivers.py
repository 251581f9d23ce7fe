"""Whether this machine may have an accelerator of torch, answered without importing torch."""

from __future__ import annotations

import sys
from functools import cache
from importlib import metadata
from pathlib import Path

_CPU_BUILD = "+cpu"
_NODES = (
    "nvidiactl",  # NVIDIA
    "nvidia0",
    "nvhost-ctrl-gpu",  # NVIDIA Jetson
    "kfd",  # AMD
    "dxg",  # any, within the Linux of Windows
    "dri",  # Intel, and any other card with a display
    "accel",
)
"""Nodes in ``/dev`` of the drivers that torch's accelerators need on Linux."""


@cache
def may_have_accelerator(nodes: Path = Path("/dev")) -> bool:
    """Whether torch may find an accelerator here; False only where it cannot find any.

    A build of torch for CPUs alone has none. On Linux, an accelerator needs a driver, which has a
    node in ``/dev``.

    Args:
        nodes: The folder of the nodes of drivers.
    """
    if sys.platform == "darwin":  # no build has a local version, and all have MPS
        return True
    try:
        if metadata.version("torch").endswith(_CPU_BUILD):
            return False
    except metadata.PackageNotFoundError:  # a packaged program may come without it
        return True
    return sys.platform != "linux" or any((nodes / name).exists() for name in _NODES)
