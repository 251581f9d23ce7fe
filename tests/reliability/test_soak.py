"""Run after run in one window: no crash, no thread left, no memory that grows.

Twenty runs in the suite; ``make long`` makes a thousand and prints the figures.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.checkpoints.recipes.recipe_file import write_recipe
from tests import tiny
from tests.reliability.nursery import Nursery

pytestmark = pytest.mark.soak

RUNS = int(os.environ.get("TUNESHIFT_SOAK", "20"))
MOST_GROWTH = 0.02
LONG = 200
"""Fewer runs than this end before caches and heaps have their size."""


@pytest.mark.timeout(300 + 6 * RUNS)
def test_many_runs_leave_nothing_behind(
    nursery: Nursery,
    recipe_files: dict[str, Path],
    families: dict[str, tiny.Family],
    tmp_path: Path,
) -> None:
    """It begins with a recipe for llama.cpp, where that is installed."""
    paths = [path for engine, path in recipe_files.items() if engine == "llama.cpp"]
    for name in ("llama", "qwen2", "gpt2"):
        path = tmp_path / f"{name}.toml"
        write_recipe(replace(families[name].recipe(), name=name), path)
        paths.append(path)
    with nursery.child("soaked", *paths, tmp_path, RUNS, 7, home=tmp_path / "home") as child:
        said = list(child.lines())
        errors = (tmp_path / "home" / "stderr").read_text()
        assert child.wait() == 0, errors
    figures = said[-1]["figures"]
    print(json.dumps(figures, indent=2))
    assert sum(figures["done"].values()) == RUNS
    assert figures["problems"] == []
    assert figures["threads_left"] == []
    assert "Traceback" not in errors
    if RUNS >= LONG:
        assert figures["growth"] < MOST_GROWTH
