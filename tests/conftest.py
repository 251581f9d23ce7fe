"""Fixtures for all tests: a machine of its own for each run, and tiny checkpoints made on the fly."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from app.checkpoints.spec import Recipe
    from tests.tiny import TinyFamily

_HOME = Path(tempfile.mkdtemp(prefix="tuneshift-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
for _variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
    os.environ[_variable] = str(_HOME / _variable.lower())
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models gain nothing from more

settings.register_profile(
    "tuneshift",
    deadline=None,
    max_examples=50,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("tuneshift")

_SECONDS_TO_END = 5.0


@pytest.fixture(autouse=True)
def no_leftover_threads() -> Iterator[None]:
    """Fail a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    leftover = set(threading.enumerate()) - before
    for thread in leftover:
        thread.join(_SECONDS_TO_END)
    alive = [thread.name for thread in leftover if thread.is_alive()]
    assert not alive, f"threads left running: {alive}"


@pytest.fixture(scope="session")
def family_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], TinyFamily]:
    """The family of an architecture of ``tiny.ARCHITECTURES``, made at the first call."""
    from tests.tiny import make_family

    made: dict[str, TinyFamily] = {}

    def family(architecture: str) -> TinyFamily:
        if architecture not in made:
            folder = tmp_path_factory.mktemp(architecture)
            made[architecture] = make_family(folder, architecture)
        return made[architecture]

    return family


@pytest.fixture(scope="session")
def tiny_family(family_of: Callable[[str], TinyFamily]) -> TinyFamily:
    """Folders of a tiny Llama base, anti-expert and two experts, read-only for tests."""
    return family_of("llama")


@pytest.fixture
def tiny_recipe(tiny_family: TinyFamily) -> Recipe:
    """A recipe with one pair of ``tiny_family``, α = 1."""
    return tiny_family.recipe(1)


@pytest.fixture
def tiny_recipe_of_two(tiny_family: TinyFamily) -> Recipe:
    """A recipe with two pairs of ``tiny_family`` that share the anti-expert; α = 1 and 0.5."""
    return tiny_family.recipe(2)
