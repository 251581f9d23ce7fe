"""Steps and blocks with grouped attention and with transformers' own: prints JSON.

``python -m tests.bench.attention --shape 0.5b --contexts 512,2048 --blocks 1,4,8``: milliseconds of
one packed model of random weights on the CPU, the two in turn, medians.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median

import torch

from app.benchmark.setup import SHAPES, of_shapes
from app.checkpoints.loading.grouped_attention import group_attention
from app.decoding.kv_cache import make_cache
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.types import GenerationConfig


def read_before(model: TransformersLanguageModel, tokens: int) -> None:
    """Fill the KV cache with random states, as if so many tokens had been read."""
    config = model.model.config
    size = config.hidden_size // config.num_attention_heads
    cache = make_cache(config)
    for layer in range(config.num_hidden_layers):
        states = torch.randn(1, config.num_key_value_heads, tokens, size)
        cache.update(states, states.clone(), layer)
    model.rewind(0)
    model._cache, model.length = cache, tokens


def compare(
    model: TransformersLanguageModel, context: int, block: int, repeats: int
) -> list[float]:
    """Median milliseconds of a block after ``context`` tokens, without and with grouping."""
    read_before(model, context)
    tokens = torch.arange(block)
    times: dict[bool, list[float]] = {False: [], True: []}
    for repeat in range(2 * (repeats + 1)):
        grouped = repeat % 2 == 1
        group_attention(model.model, on=grouped)
        started = time.perf_counter()
        model.extend(tokens)
        times[grouped].append(1000 * (time.perf_counter() - started))
        model.rewind(context)
    return [round(median(values[1:]), 1) for values in times.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="135m")
    parser.add_argument("--contexts", default="512,2048,8192")
    parser.add_argument("--blocks", default="1,4,8,16")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    setup = of_shapes([options.shape] * 3, "cpu", "bfloat16", GenerationConfig())
    model = setup.language_models[0]
    with torch.inference_mode():
        found = {
            f"{context} tokens, block of {block}": compare(model, context, block, options.repeats)
            for context in map(int, options.contexts.split(","))
            for block in map(int, options.blocks.split(","))
        }
    print(json.dumps({"shape": options.shape, "ms, plain and grouped": found}, indent=2))


if __name__ == "__main__":
    main()
