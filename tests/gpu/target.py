"""The device that is checked, and how its steps are captured.

``TUNESHIFT_GPU_CHECK`` names the device, such as ``cuda:0``. With ``cpu`` everything runs
uncaptured on the processor, which shows that the check itself works.
"""

from __future__ import annotations

import os

import torch

from app.decoding.capturing import Capture, CudaGraphs, uncaptured

VARIABLE = "TUNESHIFT_GPU_CHECK"


def target() -> torch.device | None:
    """The device to check: the one asked for, or else the first CUDA device; None without one."""
    asked = os.environ.get(VARIABLE)
    if asked == "cuda" or (asked is None and torch.cuda.is_available()):
        asked = "cuda:0"
    return torch.device(asked) if asked else None


def capture_on(device: torch.device) -> Capture:
    """Captures steps on ``device``, or runs them uncaptured where there are no CUDA graphs."""
    return CudaGraphs(device) if device.type == "cuda" else uncaptured


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
