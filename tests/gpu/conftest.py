"""Tests on the GPU, which are skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.gpu.target import VARIABLE, target


@pytest.fixture
def device() -> torch.device:
    found = target()
    if found is None:
        pytest.skip(f"needs a GPU; {VARIABLE}=cpu runs this uncaptured on the processor")
    return found


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield
