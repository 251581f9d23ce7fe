"""llama.cpp when memory runs out, and when models are opened and closed all day."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.decoding.llama_cpp.library import is_installed
from tests import tiny, tiny_gguf
from tests.reliability.children import run_python

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
