"""Damaged files of every kind: said in words, set aside where that is promised, never a crash.

A few seconds in the suite; ``make long`` goes on for ten minutes with each kind.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.decoding.llama_cpp.library import is_installed
from tests.reliability.nursery import Nursery

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("TUNESHIFT_FUZZ_SECONDS", "0"))
FIRST = int(os.environ.get("TUNESHIFT_FUZZ_SEED", "0"))
COUNTS = {"settings": 100, "recipes": 200, "history": 40, "checkpoints": 12, "gguf": 200,
          "trials": 12, "gguf roles": 8, "window": 12}  # fmt: skip
_OF_LLAMA = ("trials", "gguf roles")


FOUND = [
    ("history", 100136),
    ("checkpoints", 100069),
    ("checkpoints", 100101),
    ("window", 100127),
]
"""Cases that once were not answered in words."""


@pytest.mark.timeout(300 + SECONDS)
@pytest.mark.parametrize("target", COUNTS)
def test_damaged_files(nursery: Nursery, tmp_path: Path, target: str) -> None:
    if target in _OF_LLAMA and not is_installed():
        pytest.skip("llama.cpp is not installed")
    check_damaged(nursery, tmp_path, target, FIRST, COUNTS[target], SECONDS)


@pytest.mark.parametrize(("target", "seed"), FOUND)
def test_what_was_found_stays_mended(
    nursery: Nursery, tmp_path: Path, target: str, seed: int
) -> None:
    check_damaged(nursery, tmp_path, target, seed, 1, 0)


def check_damaged(
    nursery: Nursery, tmp_path: Path, target: str, first: int, count: int, seconds: float
) -> None:
    """Damage a file ``count`` times and on for ``seconds``, in a process of its own."""
    folder = tmp_path / "files"
    with nursery.child(
        "fuzzed", target, folder, first, count, seconds, home=tmp_path / "home"
    ) as child:
        said = list(child.lines())
        status = child.wait()
    errors = (tmp_path / "home" / "stderr").read_text(errors="replace")
    assert status == 0, f"seed {said[-1] if said else 'none'} of {target}:\n{errors[-3000:]}"
    outcomes = said[-1]["outcomes"]
    print(f"{target}: {outcomes}")
    assert sum(outcomes.values()) >= count
