"""A nursery of programs, and recipes of tiny models as files, one for each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.llama_cpp.library import is_installed
from app.decoding.types import GenerationConfig
from tests import tiny, tiny_gguf
from tests.reliability.nursery import Nursery


@pytest.fixture(scope="package")
def nursery() -> Iterator[Nursery]:
    started = Nursery()
    yield started
    started.close()


@pytest.fixture(scope="package")
def recipe_file(llama: tiny.Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    write_recipe(llama.recipe(temperature=2.0), path)
    return path


@pytest.fixture(scope="package")
def gguf_recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of tiny GGUF files, which llama.cpp reads."""
    if not is_installed():
        pytest.skip("llama.cpp is not installed")
    folder = tmp_path_factory.mktemp("gguf")
    base, expert, antiexpert = (
        tiny_gguf.write(tiny.make_model("llama", seed), folder / f"{seed}.gguf")
        for seed in range(3)
    )
    pair = ExpertPair("Style", _read_by_llama(expert), _read_by_llama(antiexpert))
    sampling = GenerationConfig(max_new_tokens=12, temperature=2.0)
    recipe = Recipe(
        "gguf", _read_by_llama(base), (pair,), sample_prompt="the king", sampling=sampling
    )
    path = folder / "gguf.toml"
    write_recipe(recipe, path)
    return path


@pytest.fixture(scope="package")
def recipe_files(recipe_file: Path, request: pytest.FixtureRequest) -> dict[str, Path]:
    """A recipe for each engine that is installed."""
    files = {"transformers": recipe_file}
    if is_installed():
        files["llama.cpp"] = request.getfixturevalue("gguf_recipe_file")
    return files


def _read_by_llama(path: Path) -> CheckpointSpec:
    return CheckpointSpec(f"gguf:{path}", engine="llama.cpp")
