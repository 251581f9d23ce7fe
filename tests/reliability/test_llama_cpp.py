"""llama.cpp when memory runs out, and when models are opened and closed all day."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from app.decoding.llama_cpp.library import is_installed
from tests import tiny, tiny_gguf
from tests.reliability.children import environment, run_python

pytestmark = pytest.mark.skipif(not is_installed(), reason="llama.cpp is not installed")

_LIMITED = """
import resource, sys
import psutil, torch
from pathlib import Path
from app.checkpoints.devices import exhausted_device, is_out_of_memory
from app.decoding.llama_cpp.llama_context import ContextOptions, LlamaContext
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from app.errors import DeviceError

torch.set_num_threads(1)
weights = LlamaCppWeights.open([Path(sys.argv[1])])
model = LlamaCppLanguageModel(weights)
before = model.extend(torch.arange(20))
most = psutil.Process().memory_info().vms + 50_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
try:
    LlamaContext(weights, 2**22, ContextOptions())
except DeviceError as error:
    print(error.cause, is_out_of_memory(error), exhausted_device(error))
model.rewind(0)
print(torch.equal(model.extend(torch.arange(20)), before))
"""
_ENGINE = """
import resource, sys
import psutil, torch
from app.checkpoints.memory.heap import release_memory
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine

torch.set_num_threads(1)
small, large = (
    CheckpointSpec(f"gguf:{path}", engine="llama.cpp", kv_cache="f32") for path in sys.argv[1:]
)
config = GenerationConfig(max_new_tokens=4)

def limit(more):
    release_memory()
    most = psutil.Process().memory_info().vms + more
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))

def no_limit():
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

def load(base):
    recipe = Recipe("r", base, (ExpertPair("A", small, small),), sampling=config)
    engine.handle(Load(1, recipe, Cancellation(), although_full=True))

def generate(prompt):
    engine.handle(Generate(2, prompt, config, LiveAlphas((1.0,)), Cancellation()))

events = []
engine = Engine(events.append)
load(small)
generate("the king")
print(type(events[-1]).__name__)
limit(20_000_000)
load(large)
print(events[-1].error, engine._loaded, sep="|")
no_limit()
load(large)
generate("the king")
print(type(events[-1]).__name__)
limit(20_000_000)
generate("king " * 1500)
print(events[-1].error, events[-1].ran_out, sep="|")
no_limit()
generate("king " * 1500)
print(type(events[-1]).__name__)
"""
_CUT = """
import os, sys
import torch
from pathlib import Path
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights

model = LlamaCppLanguageModel(LlamaCppWeights.open([Path(sys.argv[1])]))
before = model.extend(torch.arange(20))
os.truncate(sys.argv[1], 100)
model.rewind(0)
print(torch.equal(model.extend(torch.arange(20)), before))
"""
_REPEATED = """
import sys
import psutil, torch
from pathlib import Path
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights

torch.set_num_threads(1)
def once():
    weights = LlamaCppWeights.open([Path(sys.argv[1])])
    model = LlamaCppLanguageModel(weights)
    model.extend(torch.arange(100))
    state = model.take_state()
    other = model.another()
    other.put_state(state)
    other.extend(torch.arange(5), 5)
    batch = model.batch()
    batch.prefill([[1, 2, 3], [4]], lambda: False)
    return model

for _ in range(10):
    once()
before = psutil.Process().memory_info().rss
for _ in range(60):
    once()
print(psutil.Process().memory_info().rss - before)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("llama") / "tiny.gguf"
    return tiny_gguf.write(tiny.make_model("llama", 1), path)


@pytest.fixture(scope="module")
def long_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A tiny file, and one of 74 MB that takes 33 MB for the keys and values of 2,048 tokens."""
    folder = tmp_path_factory.mktemp("long")
    wide = {"hidden_size": 2048, "num_attention_heads": 16, "num_key_value_heads": 16}
    wide |= {"head_dim": 128, "num_hidden_layers": 1}
    paths = []
    for name, sizes in (("small", {}), ("large", wide)):
        settings = tiny.ARCHITECTURES["llama"](tiny.VOCABULARY)
        for key, value in {"max_position_embeddings": 4096, **sizes}.items():
            setattr(settings, key, value)
        torch.manual_seed(0)
        model = tiny.AutoModelForCausalLM.from_config(settings).eval()
        paths.append(tiny_gguf.write(model, folder / f"{name}.gguf"))
    return paths


@pytest.mark.slow
def test_loads_and_runs_that_do_not_fit(long_files: list[Path], tmp_path: Path) -> None:
    done = run_python(_ENGINE, *long_files, env=environment(tmp_path))
    assert done.returncode == 0, done.stderr
    works, loading, works_again, reading, works_at_last = done.stdout.splitlines()
    assert works == works_again == works_at_last == "RunFinished"
    message, loaded = loading.split("|")
    assert "The memory of cpu was not enough for large.gguf" in message
    assert "Close other programs, or choose a smaller file." in message
    assert loaded == "None"
    message, ran_out = reading.split("|")
    assert "llama.cpp has no memory for a KV cache of 2,048 tokens" in message
    assert ran_out == "True"


def test_an_address_space_that_is_full(file: Path) -> None:
    done = run_python(_LIMITED, file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "llama.cpp has no memory for a KV cache of 4,194,304 tokens True cpu",
        "True",
    ]


def test_models_that_are_no_longer_used_leave_no_memory_behind(file: Path) -> None:
    done = run_python(_REPEATED, file)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 60_000_000  # each of the 60 takes 3 MB while it is used


def test_a_file_that_is_cut_while_it_is_loaded_ends_nothing(file: Path, tmp_path: Path) -> None:
    """Pages of a mapped file that are no longer there would end the process."""
    done = run_python(_CUT, shutil.copy(file, tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"]
