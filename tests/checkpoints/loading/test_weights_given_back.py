"""Weights share memory and give it back, measured in processes of their own."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from tests import tiny
from tests.reliability.children import run_python

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """About 200 MB of random float32 weights."""
    folder = tmp_path_factory.mktemp("large")
    config = LlamaConfig(
        vocab_size=tiny.VOCABULARY,
        hidden_size=768,
        intermediate_size=2304,
        num_hidden_layers=6,
        num_attention_heads=8,
        eos_token_id=0,
        bos_token_id=None,
        max_position_embeddings=tiny.CONTEXT,
    )
    torch.manual_seed(0)
    tiny.save(AutoModelForCausalLM.from_config(config, dtype=torch.float32), folder)
    yield folder
    shutil.rmtree(folder)


_MEASURED = """
    import sys
    import threading
    from dataclasses import replace
    import psutil
    import torch
    from app.checkpoints.loading import loader, weights
    from app.checkpoints.memory.heap import release_memory
    from app.checkpoints.opening import open_recipe
    from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
    from app.errors import Cancelled, CheckpointError, DeviceError

    torch.set_num_threads(1)

    def resident():
        for thread in threading.enumerate():
            if not (thread.daemon or thread is threading.main_thread()):
                thread.join()  # transformers does not wait for its readers when cancelled
        release_memory()
        return psutil.Process().memory_info().rss

    def load(recipe, **options):
        return loader.load_recipe(open_recipe(recipe), (), **options)

    def recipe_of(base, expert, antiexpert):
        return Recipe("r", base, (ExpertPair("A", expert, antiexpert),))
"""
"""The start of programs that measure themselves: the process of the tests has other tests' heap."""


def printed(program: str, *arguments: object) -> list[int]:
    """The numbers that a program prints, in a process of its own."""
    done = run_python(textwrap.dedent(_MEASURED) + textwrap.dedent(program), *arguments)
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.split()]


@pytest.mark.parametrize("options", [{}, {"dtype": "bfloat16"}, {"quantization": "nf4"}])
def test_roles_share_memory_and_unloading_gives_it_back(
    large: Path, options: dict[str, str]
) -> None:
    program = """
        spec = CheckpointSpec(f"folder:{sys.argv[1]}", **eval(sys.argv[2]))
        persona = replace(spec, prompt="As a king: {prompt}")

        def load_and_read():
            loaded = load(recipe_of(spec, persona, spec))
            with torch.inference_mode():
                loaded.ensemble.prefill(loaded.encode("the king said"))
            return loaded

        load_and_read()  # libraries take memory once, for loading and for computing
        before = resident()
        for _ in range(4):
            loaded = load_and_read()
            taken = resident() - before
            (held,) = loaded.held_bytes().values()
            del loaded
        print(held, taken, resident() - before)
    """
    held, taken, left = printed(program, large, {"dtype": "float32", **options})
    assert held > 25_000_000
    # Where the processor has no AVX512-BF16, bitsandbytes computes with a float32 copy of each NF4
    # matrix; two of the largest may stay in the heap.
    copies = 2 * 4 * 768 * 2304 if "quantization" in options else 0
    assert taken < 1.5 * held + copies < 3 * held  # one copy for three roles
    assert left < held  # of four loads


def test_a_load_that_is_cancelled_or_fails_leaves_nothing(large: Path, llama: tiny.Family) -> None:
    """Even while the error, and so its traceback, is still looked at."""
    program = """
        # Of other dtypes than the file's, whose pages would be shared with the file.
        plain = CheckpointSpec(f"folder:{sys.argv[1]}", dtype="float16")
        small = CheckpointSpec(f"folder:{sys.argv[2]}", dtype="float32")
        recipe = recipe_of(plain, replace(plain, dtype="bfloat16"), small)
        load(recipe)
        before = resident()
        seen = []
        try:
            load(recipe, on_progress=seen.append, cancelled=lambda: len(seen) > 80)
        except Cancelled as error:
            cancelled = error
        assert seen[-1].role == "expert “A”", "the base was not loaded whole"
        print(resident() - before)
        assert cancelled.__traceback__

        def fail(role, info):
            if role.name.startswith("expert"):
                raise CheckpointError("no")

        weights._check_complete = fail
        try:
            load(recipe)
        except CheckpointError as error:
            failed = error
        print(resident() - before)
        assert failed.__traceback__
    """
    for left in printed(program, large, llama.base):
        assert left < 45_000_000  # half of the base, which was loaded whole


def test_memory_that_runs_out_while_loading_is_told(large: Path) -> None:
    """A process that may not have enough address space, as on a machine that is full."""
    program = """
        import resource

        spec = CheckpointSpec(f"folder:{sys.argv[1]}", dtype="bfloat16")
        load(recipe_of(spec, spec, spec))
        release_memory()
        other = replace(spec, dtype="float16")
        opened = open_recipe(recipe_of(other, other, other))
        limit = psutil.Process().memory_info().vms + 150_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        try:
            loader.load_recipe(opened, ())
        except DeviceError as error:
            print(error)
    """
    done = run_python(textwrap.dedent(_MEASURED) + textwrap.dedent(program), large)
    assert done.returncode == 0, done.stderr
    assert "The memory of cpu was not enough for loading the base" in done.stdout
    assert re.search(r"needed \d+ MB, (asked for [\d.]+ MB, )?free", done.stdout)
    assert done.stderr == ""
