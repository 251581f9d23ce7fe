"""Figures of one set of models with random weights, printed as one JSON object.

Usage: python -m tests.gpu.figures 13b,7b,7b --first-token 8,64,512,2048,8192
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from statistics import median
from typing import Any

import torch
from transformers import PreTrainedModel, StaticCache

from app.benchmark.benchmark_report import as_json
from app.benchmark.measure import measure
from app.benchmark.setup import Setup, of_shapes
from app.decoding.step_sizes import SIZES
from app.decoding.types import GenerationConfig
from tests.gpu.target import synchronize, target

_REPEATS = 3
_STEPS = 32


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def first_token(setup: Setup, sizes: list[int]) -> dict[int, dict[str, float]]:
    """Median seconds of reading a prompt of each size, by Tuneshift and by plain passes."""
    ids = list(setup.prompts[0])
    device = setup.device
    found = {}
    for size in sizes:
        prompt = (ids * (size // len(ids) + 1))[:size]
        tokens = torch.tensor([prompt], device=device)
        here, plain = [], []
        for _ in range(_REPEATS + 1):  # the first warms up
            started = time.perf_counter()
            setup.ensemble.prefill([prompt] * len(setup.ensemble.names)).rows[0, -1].argmax().item()
            here.append(time.perf_counter() - started)
            setup.ensemble.clear_caches()
            started = time.perf_counter()
            for model in setup.originals:
                model(input_ids=tokens, use_cache=True, logits_to_keep=1).logits.argmax().item()
            synchronize(device)
            plain.append(time.perf_counter() - started)
        found[size] = {"tuneshift": median(here[1:]), "plain": median(plain[1:])}
    return found


def compiled(model: PreTrainedModel, prompt: int) -> dict[str, float]:
    """A median step of one model by ``torch.compile``, with transformers' static cache; seconds.

    What a person would use who decodes one model without this program.
    """
    device = model.device
    cache = StaticCache(config=model.config, max_cache_len=prompt + 4 * _STEPS)
    model(
        input_ids=torch.ones((1, prompt), dtype=torch.int64, device=device), past_key_values=cache
    )
    step = torch.compile(model.forward, mode="reduce-overhead", fullgraph=True)
    token = torch.ones((1, 1), dtype=torch.int64, device=device)
    seconds = []
    started = time.perf_counter()
    for _ in range(_STEPS):
        synchronize(device)
        begun = time.perf_counter()
        step(input_ids=token, past_key_values=cache)
        synchronize(device)
        seconds.append(time.perf_counter() - begun)
    warm_up = time.perf_counter() - started
    return {"compiled_step": median(seconds[_STEPS // 2 :]), "warm_up": warm_up}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--first-token", type=numbers, default=[])
    parser.add_argument("--compiled", action="store_true", help="only torch.compile of the base")
    options = parser.parse_args()
    device = target()
    assert device is not None, "there is no GPU here"
    config = GenerationConfig(max_new_tokens=options.tokens, temperature=0.0, top_p=1.0)
    with torch.inference_mode():
        setup = of_shapes(options.shapes.split(","), str(device), options.dtype, config)
        if not options.compiled:
            found: dict[str, Any] = json.loads(as_json(measure(setup, _REPEATS, blocks=SIZES)))
            found["first_token"] = first_token(setup, options.first_token)
    if options.compiled:
        setup.ensemble.release_buffers()
        with torch.no_grad():  # what torch.compile makes is not for inference_mode
            found = {"title": setup.title, **compiled(setup.originals[0], len(setup.prompts[0]))}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
