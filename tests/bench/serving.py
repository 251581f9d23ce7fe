"""What the API costs: tokens per second over a socket beside the engine without a server.

python -m tests.bench.serving [--recipe demo] [--tokens 64] [--repeats 3]
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

import httpx2

from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import Recipe
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, TokenDecoded
from app.server.access import Access
from app.server.listening import Service, listen
from app.server.uvicorn_server import Server, own_engine

CLIENTS = (1, 8, 32)


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
    """A server on a thread."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe, self._service = recipe, Service(Access("127.0.0.1"), 0)
        self._listener = listen(self._service)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1/completions"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._ready.wait()

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
    options = parser.parse_args()
    recipe = find_recipe(options.recipe)
    recipe = replace(recipe, sampling=replace(recipe.sampling, max_new_tokens=options.tokens))
    served = Served(recipe)
    try:
        rounds = []
        for _ in range(options.repeats):
            found: dict[str, object] = {"engine alone": headless(recipe, options.texts)}
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
