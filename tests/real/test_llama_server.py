"""A base behind a real server: SmolLM2-135M-Instruct in llama-cpp-python's, and the same here.

Where it is not installed beside Tuneshift, ``TUNESHIFT_LLAMA_PYTHON`` may name a Python that has
it: ``pip install 'llama-cpp-python[server]'``.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx2
import pytest
import torch

from app.checkpoints.endpoints.endpoint_model import EndpointLanguageModel
from app.checkpoints.endpoints.prompt_logprobs import Blocks
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, Loaded, RunFinished, TokenDecoded
from tests.real import smollm2

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

_SECONDS = 120
NEEDED = ("llama_cpp", "diskcache", "sse_starlette", "starlette_context")
"""What the server of llama-cpp-python imports; its library alone is the second engine here."""
PROMPT = "The capital of France is"


def python_with_the_server() -> str:
    named = os.environ.get("TUNESHIFT_LLAMA_PYTHON", "")
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if not named and missing:
        pytest.skip(f"{', '.join(missing)} are missing; TUNESHIFT_LLAMA_PYTHON names no Python")
    return named or sys.executable


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a server with the GGUF file."""
    python, path = python_with_the_server(), smollm2.require()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--model_alias smollm2 --port {port} --n_ctx 256 --logits_all true --n_threads 2"
    process = subprocess.Popen(
        [python, "-m", "llama_cpp.server", "--model", str(path), *options.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(_SECONDS)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers, or say that it has ended."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server has ended"
        try:
            if httpx2.get(address).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.2)
    raise AssertionError("the server does not answer")


class Desk:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.engine = Engine(self.events.append)

    def run(
        self, recipe: Recipe, prompt: str = PROMPT, *, speculate: bool = False
    ) -> list[TokenDecoded]:
        self.engine.handle(Load(1, recipe, Cancellation()))
        assert isinstance(self.events[-1], Loaded), self.events[-1]
        start = len(self.events)
        alphas = LiveAlphas(recipe.alphas)
        self.engine.handle(
            Generate(2, prompt, recipe.sampling, alphas, Cancellation(), speculate=speculate)
        )
        assert isinstance(self.events[-1], RunFinished), self.events[-1]
        return [event for event in self.events[start:] if isinstance(event, TokenDecoded)]

    @property
    def base(self) -> EndpointLanguageModel:
        assert self.engine._loaded is not None
        base = self.engine._loaded.ensemble.models[0]
        assert isinstance(base, EndpointLanguageModel)
        return base


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        smollm2.require()
        patch.setenv("XDG_CACHE_HOME", str(smollm2.FOLDER / "cache"))
        made = Desk()
        yield made
        made.engine.unload()


@pytest.fixture(scope="module")
def local() -> Recipe:
    """The model itself, steered by what a system prompt makes of it."""
    small = CheckpointSpec(f"gguf:{smollm2.require()}", dtype="float32", engine="transformers")
    told = replace(small, prompt="Answer like a pirate, arr!\n\n{prompt}")
    return Recipe(
        "r",
        small,
        (ExpertPair("Pirate", told, small, 1.0),),
        sampling=GenerationConfig(max_new_tokens=16, temperature=0.0, top_p=1.0),
    )


def ids_of(tokens: list[TokenDecoded]) -> list[int]:
    return [token.step.token_id for token in tokens]


@pytest.mark.parametrize("prompt", [PROMPT, "The sun rises in the", "To write a good letter, you"])
def test_greedy_tokens_are_those_of_the_same_weights_here(
    url: str, desk: Desk, local: Recipe, prompt: str
) -> None:
    """With enough log-probabilities, in one paragraph: the server computes in other precisions, and
    reads two line breaks as one token, which the pair may have written as two."""
    local = replace(local, sampling=replace(local.sampling, stop=("\n",)))
    remote = replace(local, base=CheckpointSpec(f"endpoint:{url}", top_logprobs=2000))
    expected = desk.run(local, prompt)
    found = desk.run(remote, prompt)
    assert ids_of(found) == ids_of(expected)
    for here, there in zip(expected, found, strict=True):
        logprobs = torch.log_softmax(torch.tensor(here.step.logits.base), 0)
        row = torch.tensor(there.step.logits.base)
        known = row > -float("inf")
        assert there.attribution.coverage is not None
        assert there.attribution.coverage > 0.9
        best = logprobs.topk(5).indices
        best = best[known[best]]  # the server gives special tokens no name
        assert len(best) >= 3
        torch.testing.assert_close(row[best], logprobs[best], atol=0.6, rtol=0)
    assert not desk.base.profile.ids  # it reads text alone
    assert desk.base.usage().retokenized == 0
    assert desk.base.profile.model == "smollm2"


def test_blocks_are_scored_by_echo(url: str, desk: Desk, local: Recipe) -> None:
    """At each token it says what is expected after it, which the handshake finds out."""
    remote = replace(local, base=CheckpointSpec(f"endpoint:{url}", top_logprobs=20))
    plain = ids_of(desk.run(remote))
    drafted = ids_of(desk.run(remote, speculate=True))
    assert desk.base.profile.blocks is Blocks.ECHO_AFTER
    assert drafted == plain
    base = desk.base
    base.rewind(0)
    ids = torch.tensor(desk.engine._loaded.encode(PROMPT)[0])  # type: ignore[union-attr]
    block = base.extend(ids, 3)
    for place, row in enumerate(block):
        base.rewind(0)
        single = base.extend(ids[: len(ids) - 2 + place])[0]
        known = (row > -float("inf")) & (single > -float("inf"))
        assert int(known.sum()) >= 15
        torch.testing.assert_close(row[known], single[known], atol=0.05, rtol=0)
