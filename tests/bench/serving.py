"""What the API costs: tokens per second over a socket beside the engine without a server.

python -m tests.bench.serving [--recipe demo] [--tokens 64] [--texts 32] [--repeats 3]

``--recipe smollm2`` serves three models of the shape of SmolLM2-135M with random bfloat16 weights.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig

from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import ExpertPair, Recipe
from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, TokenDecoded
from app.server.access import Access
from app.server.listening import Service, listen
from app.server.uvicorn_server import Server, own_engine
from tests import tiny

CLIENTS = (1, 4, 8, 16)
SHAPE = LlamaConfig(
    vocab_size=49_152,
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    max_position_embeddings=8192,
    tie_word_embeddings=True,
    bos_token_id=None,
    eos_token_id=0,
)
"""SmolLM2-135M."""


def random_recipe(folder: Path) -> Recipe:
    """Three checkpoints of :data:`SHAPE` with random weights, and a tokenizer of as many ids."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [tiny.EOS, *letters, *(f"w{place}" for place in range(SHAPE.vocab_size))]
    vocabulary = {word: place for place, word in enumerate(words[: SHAPE.vocab_size])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([tiny.EOS])
    made = []
    for seed, name in enumerate(("base", "expert", "antiexpert")):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(SHAPE, dtype=torch.bfloat16)
        made.append(tiny.spec(tiny.save(model, folder / name, tokenizer)))
    base, expert, antiexpert = made
    pair = ExpertPair("Random", expert, antiexpert)
    sampling = GenerationConfig(temperature=1.0, top_p=1.0)
    return Recipe("Random", base, (pair,), "Once upon a time", sampling=sampling)


def headless(recipe: Recipe, texts: int) -> float:
    """Tokens per second of the engine, one text after another."""
    events: list[Event] = []
    engine = Engine(events.append)
    engine.handle(Load(1, recipe, Cancellation()))
    run(engine, recipe, 0)
    events.clear()
    started = time.perf_counter()
    for seed in range(texts):
        run(engine, recipe, seed)
    seconds = time.perf_counter() - started
    engine.unload()
    return sum(isinstance(event, TokenDecoded) for event in events) / seconds


def run(engine: Engine, recipe: Recipe, seed: int) -> None:
    config = replace(recipe.sampling, seed=seed)
    alphas = LiveAlphas(recipe.alphas)
    engine.handle(Generate(2, recipe.sample_prompt, config, alphas, Cancellation()))


class Served:
    """A server on a thread.

    Raises:
        TuneshiftError: The recipe cannot be loaded.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe, self._service = recipe, Service(Access("127.0.0.1"), 0)
        self._listener = listen(self._service)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1/completions"
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        async with own_engine() as queue:
            await queue.load(self._recipe)
            self.server = Server(queue, self._service)
            self._ready.set()
            await self.server.serve([self._listener])

    def close(self) -> None:
        self.server.should_exit = True
        self._thread.join()


def ask(url: str, recipe: Recipe, seed: int) -> tuple[int, float, float]:
    """Tokens of one stream, and seconds until the first and the last of them."""
    body = {"prompt": recipe.sample_prompt, "seed": seed, "stream": True}
    started = time.perf_counter()
    first, tokens = 0.0, 0
    with httpx2.stream("POST", url, json=body, timeout=600) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data: {") and '"finish_reason": null' in line:
                tokens += 1
                first = first or time.perf_counter() - started
    return tokens, first, time.perf_counter() - started


def over_a_socket(url: str, recipe: Recipe, clients: int, texts: int) -> dict[str, float]:
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(lambda seed: ask(url, recipe, seed), range(texts)))
    seconds = time.perf_counter() - started
    return {
        "tokens_per_second": sum(tokens for tokens, _, _ in found) / seconds,
        "median_seconds_to_first_token": statistics.median(first for _, first, _ in found),
        "longest_seconds": max(last for _, _, last in found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clients-only", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        random = options.recipe == "smollm2"
        recipe = random_recipe(Path(folder)) if random else find_recipe(options.recipe)
        measure(recipe, options)


def measure(recipe: Recipe, options: argparse.Namespace) -> None:
    recipe = replace(recipe, sampling=replace(recipe.sampling, max_new_tokens=options.tokens))
    served = Served(recipe)
    try:
        rounds = []
        for _ in range(options.repeats):
            found: dict[str, object] = {}
            if not options.clients_only:
                found["engine alone"] = headless(recipe, options.texts)
            for clients in CLIENTS:
                found[f"{clients} clients"] = over_a_socket(
                    served.url, recipe, clients, options.texts
                )
            rounds.append(found)
    finally:
        served.close()
    print(json.dumps(rounds, indent=2))


if __name__ == "__main__":
    main()
