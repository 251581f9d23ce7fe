"""Memory that a recipe takes, in a process of its own: ``python -m … RECIPE`` prints JSON.

It does what the window does: it measures before any load, after the load and after a run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace

from app.checkpoints.host_memory import held_bytes
from app.checkpoints.recipes.recipe_file import find_recipe
from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Checked, Event, Loaded


@dataclass(frozen=True)
class Held:
    """Bytes: the parts of the estimate together, its weights alone, and what was measured."""

    needed: int
    weights: int
    packed: int
    loaded: int
    used: int


def measure_apart(recipe: str) -> Held:
    """Measure a recipe, by its name or file, in another process."""
    command = [sys.executable, "-m", "tests.engine.held_memory", recipe]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=True)
    return Held(**json.loads(done.stdout))


def measure(name: str) -> Held:
    """Load a recipe, generate with it, and measure this process."""
    heard: list[Event] = []
    engine = Engine(heard.append)
    engine.announce()
    recipe = find_recipe(name)
    before = held_bytes()
    engine.handle(Load(1, recipe, Cancellation()))
    after_load = held_bytes()
    checked = next(event for event in heard if isinstance(event, Checked))
    loaded = next(event for event in heard if isinstance(event, Loaded))
    (device,) = checked.preflight.memory.devices
    config = replace(GenerationConfig(), max_new_tokens=32)
    alphas = LiveAlphas(tuple(pair.alpha for pair in recipe.pairs))
    engine.handle(Generate(2, "Once upon a time", config, alphas, Cancellation()))
    return Held(
        device.needed,
        sum(part.size for part in device.parts if part.kind == "weights"),
        loaded.packed_bytes,
        after_load - before,
        held_bytes() - before,
    )


if __name__ == "__main__":
    print(json.dumps(vars(measure(sys.argv[1]))))
