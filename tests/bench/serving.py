"""What the API costs: tokens per second over a socket beside the engine without a server.

python -m tests.bench.serving [--recipe demo] [--tokens 64] [--texts 32] [--repeats 3]
                               [--dtype auto] [--clients-only]

``--recipe smollm2`` serves three models of the shape of SmolLM2-135M with random bfloat16 weights,
as they are by default or, with ``--dtype float32``, widened.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig

from app.checkpoints.recipes.recipe_file import find_recipe, write_recipe
from app.checkpoints.spec import ExpertPair, Recipe
from app.decoding.types import GenerationConfig
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, TokenDecoded
from tests import tiny
from tests.bench import serving_clients

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


def random_recipe(folder: Path, dtype: str = "auto") -> Recipe:
    """Three checkpoints of :data:`SHAPE` with random weights, and a tokenizer of as many ids.

    Args:
        folder: Where they are made.
        dtype: That of the recipe; the checkpoints are in bfloat16.
    """
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
        made.append(tiny.spec(tiny.save(model, folder / name, tokenizer), dtype=dtype))
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
    """``tuneshift serve`` in a process of its own.

    Raises:
        RuntimeError: It has ended before it served.
    """

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        path = folder / "served.toml"
        write_recipe(recipe, path)
        command = [sys.executable, "-m", "app", "serve", "--recipe", str(path), "--port", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = re.search(r"http://\S+", self._process.stdout.readline())
        if found is None:
            raise RuntimeError("the server has not started")
        self.url = f"{found[0]}/completions"

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--clients-only", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        random = options.recipe == "smollm2"
        recipe = (
            random_recipe(Path(folder), options.dtype) if random else find_recipe(options.recipe)
        )
        measure(recipe, options, Path(folder))


def measure(recipe: Recipe, options: argparse.Namespace, folder: Path) -> None:
    recipe = replace(recipe, sampling=replace(recipe.sampling, max_new_tokens=options.tokens))
    served = Served(recipe, folder)
    try:
        rounds = []
        for _ in range(options.repeats):
            found: dict[str, object] = {}
            if not options.clients_only:
                found["engine alone"] = headless(recipe, options.texts)
            for clients in CLIENTS:
                found[f"{clients} clients"] = serving_clients.measure(
                    served.url, recipe.sample_prompt, clients, options.texts
                )
            rounds.append(found)
    finally:
        served.close()
    print(json.dumps(rounds, indent=2))


if __name__ == "__main__":
    main()
