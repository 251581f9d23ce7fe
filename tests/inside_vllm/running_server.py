"""vLLM servers on loopback over tiny checkpoints, and what they should answer."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Protocol

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel

from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from tests import tiny

CONTEXT = 256
NAME = "tuneshift"  # of the served model
ROOT = Path(__file__).parents[2]
_SECONDS_TO_START = 600
# 20 blocks hold two of the longest texts: 16 requests at once make vLLM preempt some of them. A
# prompt of over 64 tokens is read in chunks.
_SMALL = ["--block-size", "32", "--num-gpu-blocks-override", "20", "--max-num-batched-tokens", "64"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A greedy request with the α of both pairs."""

    prompt: tuple[int, ...]
    alphas: tuple[float, float]
    tokens: int


def requests_at_once() -> list[Asked]:
    """16 requests: some begin alike, some are longer than a chunk, four want the base alone."""
    chosen = random.Random(16)

    def ids(count: int) -> tuple[int, ...]:
        return tuple(chosen.randrange(1, tiny.VOCABULARY) for _ in range(count))

    alphas = [(1.0, 0.5), (-0.5, 1.5), (2.0, 0.0), (0.0, 0.0)]
    common = ids(90)
    prompts = [common + ids(count) for count in (1, 5, 20, 40)]
    prompts += [ids(count) for count in (1, 2, 3, 7, 12, 30, 31, 32, 33, 64, 65, 150)]
    return [
        Asked(prompt, alphas[number % 4], 12 + 5 * (number % 5))
        for number, prompt in enumerate(prompts)
    ]


def save_adapter(
    model: PreTrainedModel, modules: str | list[str], scale: float, folder: Path
) -> None:
    """Write a LoRA adapter with random weights over ``model``.

    Args:
        model: The model; it gets the adapter.
        modules: PEFT's ``target_modules``.
        scale: The standard deviation of the weights that PEFT leaves at 0.
        folder: The folder.
    """
    torch.manual_seed(9)
    settings = LoraConfig(r=4, target_modules=modules, task_type="CAUSAL_LM")
    adapted = get_peft_model(model, settings)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, 0, scale)
    adapted.save_pretrained(folder)


class Served(Protocol):
    """What a server serves."""

    folder: Path

    def make(self) -> Path:
        """Write the checkpoints; returns the recipe file."""

    @property
    def base(self) -> Path:
        """The folder of the base."""


@dataclass
class Models:
    """The recipe of a server: a base, a pair of whole checkpoints and a LoRA pair.

    Attributes:
        damaged: An id that the first expert cannot read, since its embedding is not finite.
    """

    folder: Path
    architecture: str
    damaged: int | None = None

    @property
    def base(self) -> Path:
        return self.folder / "base"

    def make(self) -> Path:
        """Write the checkpoints; returns the recipe file."""
        tokenizer = tiny.make_tokenizer()
        for seed, role in enumerate(("base", "expert", "antiexpert", "small")):
            model = tiny.random_model(self._configuration(), seed)
            if role == "expert" and self.damaged is not None:
                model.get_input_embeddings().weight.data[self.damaged] = torch.nan
            tiny.save(model, self.folder / role, tokenizer)
        (self.base / "chat_template.jinja").write_text(tiny.CHAT_TEMPLATE)
        save_adapter(self._read("small"), "all-linear", 0.3, self.folder / "adapter")
        file = self.folder / "recipe.toml"
        write_recipe(self.recipe(), file)
        return file

    def recipe(self) -> Recipe:
        base, expert, antiexpert, small = (
            tiny.spec(self.folder / role) for role in ("base", "expert", "antiexpert", "small")
        )
        adapter = CheckpointSpec(
            f"adapter:{self.folder / 'adapter'}", over=small.source, dtype="float32"
        )
        pairs = (
            ExpertPair("One", expert, antiexpert, 1.0),
            ExpertPair("Lora", adapter, small, 0.5),
        )
        return replace(Recipe("tiny", base, pairs), context=CONTEXT)

    def _configuration(self) -> Any:
        config = tiny.ARCHITECTURES[self.architecture](tiny.VOCABULARY)
        config.hidden_size, config.intermediate_size = 64, 96
        config.head_dim = 32  # vLLM has no attention for smaller heads on a CPU
        return config

    def _read(self, role: str) -> PreTrainedModel:
        return AutoModelForCausalLM.from_pretrained(self.folder / role, dtype=torch.float32).eval()

    @cached_property
    def models(self) -> list[Any]:
        adapted = PeftModel.from_pretrained(self._read("small"), self.folder / "adapter").eval()
        return [*map(self._read, ("base", "expert", "antiexpert")), adapted, self._read("small")]

    def rows(self, ids: Sequence[int]) -> list[torch.Tensor]:
        """The raw logits of every role after ``ids``, from plain forward passes without a cache."""
        with torch.inference_mode():
            return [model(torch.tensor([list(ids)])).logits[0, -1] for model in self.models]

    def row(self, ids: Sequence[int], alphas: tuple[float, float]) -> torch.Tensor:
        """The tuned logits after ``ids``."""
        base, *pairs = (row.double() for row in self.rows(ids))
        return base + alphas[0] * (pairs[0] - pairs[1]) + alphas[1] * (pairs[2] - pairs[3])

    def greedy(self, asked: Asked) -> list[int]:
        found: list[int] = []
        while len(found) < asked.tokens and (not found or found[-1] != 0):
            found.append(int(self.row([*asked.prompt, *found], asked.alphas).argmax()))
        return found


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    models: Any
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def request(self, path: str, body: object | None = None) -> Any:
        """The answer to a request, or the sentence and status of an error."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(asked, timeout=200) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())["error"]["message"]
        return content.decode() if body is None else json.loads(content)

    def events(self, path: str, body: object) -> list[Any]:
        """The events of a streamed answer."""
        with self.stream(path, body) as answer:
            lines = [line.removeprefix(b"data: ") for line in answer.read().splitlines()]
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def stream(self, path: str, body: object) -> HTTPResponse:
        """A streamed answer that has begun."""
        headers = {"content-type": "application/json"}
        data = json.dumps(body).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        answer: HTTPResponse = urllib.request.urlopen(asked, timeout=200)
        return answer

    def complete(self, asked: Asked, **more: object) -> list[list[int]]:
        """The ids of each answer to a request."""
        one, two = asked.alphas
        body = {
            "prompt": list(asked.prompt),
            "max_tokens": asked.tokens,
            "temperature": 0,
            "return_token_ids": True,
            "vllm_xargs": {"alpha.One": one, "alpha.Lora": two},
            **more,
        }
        answer = self.request("/v1/completions", body)
        return [choice["token_ids"] for choice in answer["choices"]]

    def preemptions(self) -> float:
        lines = self.request("/metrics").splitlines()
        found = [line for line in lines if line.startswith("vllm:num_preemptions_total")]
        return sum(float(line.rpartition(" ")[2]) for line in found)


def running(models: Served, *options: str) -> AbstractContextManager[Server]:
    """A server with the recipe of ``models``, by ``tuneshift vllm``."""
    file = models.make()
    return _running(models, ["-m", "app", "vllm", "--recipe", str(file), *_SMALL, *options])


def running_base(models: Served) -> AbstractContextManager[Server]:
    """A server of the base of ``models`` that knows nothing of Tuneshift."""
    command = ["-m", "vllm.entrypoints.cli.main", "serve", str(models.base), "--dtype", "float32"]
    command += ["--max-model-len", str(CONTEXT), "--logprobs-mode", "processed_logprobs"]
    return _running(models, [*command, *_SMALL])


@contextmanager
def _running(models: Served, arguments: list[str]) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, *arguments, "--port", str(port), "--enforce-eager"]
    command += ["--max-num-seqs", "16", "--served-model-name", NAME]
    log = models.folder / f"server-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        try:
            _wait(process, port, log)
            yield Server(models, port)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the server accepts connections, which it does once its engine is ready."""
    for _ in range(_SECONDS_TO_START * 2):
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                continue
            return
        raise AssertionError(f"vLLM ended:\n{log.read_text()[-5000:]}")
    raise AssertionError(f"vLLM did not start:\n{log.read_text()[-5000:]}")
