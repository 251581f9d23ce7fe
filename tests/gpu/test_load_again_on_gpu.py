"""A load that fills the GPU ends in an error, and the process can load again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from app.checkpoints.spec import Recipe
from app.engine.commands import Load
from app.engine.controls import Cancellation
from app.engine.events import Failed, Loaded, RunFinished
from tests import tiny
from tests.engine.test_engine import SAMPLED, Desk, tokens

MIB = 2**20


@pytest.fixture
def full_after_2_mib(device: torch.device) -> Iterator[None]:
    """Lets torch take on the device what it holds now and 2 MiB more."""
    if device.type != "cuda":
        pytest.skip("only CUDA has a limit of memory that a test can set")
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    allowed = torch.cuda.memory_reserved(device) + 2 * MIB
    torch.cuda.set_per_process_memory_fraction(allowed / total, device)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0, device)


@pytest.fixture
def recipe(device: torch.device, llama: tiny.Family) -> Recipe:
    recipe = llama.recipe()
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, device=str(device)))
    return recipe


@pytest.mark.slow
def test_a_load_that_fills_the_device_leaves_it_usable(
    device: torch.device, recipe: Recipe, full_after_2_mib: None
) -> None:
    desk, held = Desk(), torch.cuda.memory_allocated(device)
    full = desk.handle(Load(1, recipe, Cancellation(), although_full=True))[-1]
    assert isinstance(full, Failed)
    assert f"The memory of {device} was not enough for loading" in str(full.error)
    assert torch.cuda.memory_allocated(device) == held
    torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert isinstance(desk.load(recipe)[-1], Loaded)
    events = desk.generate(SAMPLED)
    assert isinstance(events[-1], RunFinished)
    assert tokens(events)
    desk.engine.unload()
