"""Memory that runs out: said with sizes, given back, and the program can be used afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from app.checkpoints.spec import Recipe
from app.decoding.language_model import TransformersLanguageModel
from app.engine.commands import Generate, Load, Unload
from app.settings import Settings
from app.ui.state.session import LoadState, Session
from tests import tiny
from tests.reliability.children import run_python
from tests.ui.conftest import EngineBridge

FULL = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000000000 bytes"

_LIMITED = """
import resource, sys
import psutil, torch
from dataclasses import replace
from pathlib import Path
from app.checkpoints.spec import Recipe, ExpertPair
from app.decoding.types import GenerationConfig
from app.engine.engine import Engine
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.events import Failed
from tests import tiny

torch.set_num_threads(1)
small, large = Path(sys.argv[1]), Path(sys.argv[2])

def recipe(folder):
    spec = tiny.spec(folder)
    return Recipe("r", spec, (ExpertPair("A", tiny.spec(small), tiny.spec(small)),),
                  sampling=GenerationConfig(max_new_tokens=4))

def limit(more):
    most = psutil.Process().memory_info().vms + more
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))

events = []
engine = Engine(events.append)
load = lambda folder: engine.handle(Load(1, recipe(folder), Cancellation(), although_full=True))
generate = lambda prompt: engine.handle(
    Generate(2, prompt, GenerationConfig(max_new_tokens=4), LiveAlphas((1.0,)), Cancellation()))
load(small)
generate("the king")
limit(30_000_000)
load(large)
print(events[-1].error, engine._loaded, sep="|")
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
load(large)
generate("the king")
print(type(events[-1]).__name__)
limit(30_000_000)
generate("king " * 400)
print(events[-1].error, events[-1].ran_out, sep="|")
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
generate("king " * 400)
print(type(events[-1]).__name__)
"""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of 75 MB that takes 200 MB to read a prompt of 500 tokens."""
    config = tiny.ARCHITECTURES["llama"](tiny.VOCABULARY)
    config.intermediate_size = 100_000
    config.hidden_size = 64
    config.num_hidden_layers = 1
    torch.manual_seed(0)
    model = tiny.AutoModelForCausalLM.from_config(config).eval()
    return tiny.save(model, tmp_path_factory.mktemp("wide"))


def test_an_address_space_that_is_full(llama: tiny.Family, wide: Path) -> None:
    done = run_python(_LIMITED, llama.base, wide)
    assert done.returncode == 0, done.stderr
    loading, works, reading, works_again = done.stdout.splitlines()
    message, loaded = loading.split("|")
    assert "The memory of cpu was not enough for loading the base (needed 77 MB, free " in message
    assert loaded == "None"
    assert works == "RunFinished"
    message, ran_out = reading.split("|")
    assert "The memory of cpu was not enough for this run (needed " in message
    assert " more, free " in message
    assert ran_out == "True"
    assert works_again == "RunFinished"
    assert done.stderr == ""


class FullMemory:
    """Lets the models' memory run out when they have read a number of tokens."""

    def __init__(self) -> None:
        self.after: int | None = None

    def extend(self, model: TransformersLanguageModel, tokens: Any, last: int = 1) -> Any:
        if self.after is not None and model.length + len(tokens) > self.after:
            raise RuntimeError(FULL)
        return self.real(model, tokens, last)

    real = staticmethod(TransformersLanguageModel.extend)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> FullMemory:
    full = FullMemory()
    monkeypatch.setattr(
        TransformersLanguageModel, "extend", lambda *args, **more: full.extend(*args, **more)
    )
    return full


@pytest.fixture
def real(qapp: object, tiny_recipe: Recipe) -> Iterator[tuple[Session, EngineBridge]]:
    bridge = EngineBridge()
    session = Session(bridge, tiny_recipe, Settings())  # type: ignore[arg-type]
    bridge.ready()
    yield session, bridge
    bridge.engine.unload()


@pytest.mark.parametrize("after", [0, 6], ids=["prefill", "decoding"])
def test_a_run_that_does_not_fit_unloads_the_models_and_loads_none(
    real: tuple[Session, EngineBridge], memory: FullMemory, after: int
) -> None:
    session, bridge = real
    session.runs.generate("the king")
    bridge.work()
    assert session.load_state is LoadState.LOADED
    memory.after = after
    session.runs.generate("the king")
    bridge.work()

    run = session.runs.current
    assert run is not None
    assert run.failed
    assert bool(run.tokens) == bool(after)  # what was drawn before stays
    assert session.problem is not None
    said = str(session.problem.error)
    assert "The memory of cpu was not enough for this run (needed 8.0 GB more, free " in said
    assert "The models were unloaded, and Generate loads them again." in said
    assert session.load_state is LoadState.UNLOADED
    assert bridge.engine._loaded is None
    kinds = [type(command) for command in bridge.commands]
    assert kinds == [Load, Generate, Generate, Unload]

    memory.after = None
    session.runs.generate("the king")
    bridge.work()
    assert session.problem is None
    assert session.load_state is LoadState.LOADED
    assert session.runs.current is not None
    assert session.runs.current.tokens


def test_texts_that_wait_behind_it_do_not_ask_for_models_that_are_gone(
    real: tuple[Session, EngineBridge], memory: FullMemory
) -> None:
    session, bridge = real
    session.load()
    bridge.work()
    memory.after = 0
    session.runs.generate_all_roles("the king")
    bridge.work()
    assert not session.runs.running
    assert session.problem is not None
    assert "was not enough" in session.problem.error.cause
    assert session.load_state is LoadState.UNLOADED
