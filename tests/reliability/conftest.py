"""A nursery of programs, and a recipe of tiny checkpoints as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.checkpoints.recipes.recipe_file import write_recipe
from tests import tiny
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
