"""The memory estimate of a recipe and what the program measures are of the same kind."""

from __future__ import annotations

import platform

import pytest

from app.checkpoints.recipes.recipe_file import DEFAULT_RECIPE
from tests.engine.held_memory import measure_apart

_LIBRARIES = 100_000_000
"""Code of torch and transformers that is loaded with the first model; 30 MB in the estimate."""


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(platform.system() != "Linux", reason="asks Linux")
def test_the_demo_takes_what_the_estimate_says() -> None:
    held = measure_apart(DEFAULT_RECIPE)
    assert held.weights <= held.loaded <= held.used + 10_000_000
    assert held.used <= held.needed + held.packed + _LIBRARIES
