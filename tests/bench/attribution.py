"""What explaining tokens costs: ``python -m tests.bench.attribution`` prints JSON.

``tuneshift bench --vocabularies`` tells the costs by vocabulary.

- Time in attribution as a share of decoding, token by token in the same runs: the demo recipe, and
  three SmolLM2-135M where their weights are in build/real.
- Memory that the rows of 1,000 tokens at a vocabulary of 152,000 take, beside their bound.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
import psutil
import torch

from app.attribution.attribution import attribute
from app.attribution.row_store import DEFAULT_BYTES, RowBudget, RowStore
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.decode import decode
from app.decoding.types import RoleLogits, TokenStep
from tests.real.smollm2 import FILE

_VOCABULARY, _TOKENS = 152_000, 1000


def share_of_decoding(recipe: Recipe, tokens: int, repeats: int) -> dict[str, Any]:
    """Milliseconds for each token, and attribution as a share of decoding; medians of runs."""
    opened = open_recipe(recipe)
    masked = preflight(opened, recipe.sample_prompt).vocabulary.masked_ids
    loaded = load_recipe(opened, masked)
    shares, milliseconds = [], []
    for seed in range(repeats):
        prompts = loaded.encode(recipe.sample_prompt)
        steps = decode(
            loaded.ensemble,
            prompts,
            replace(recipe.sampling, max_new_tokens=tokens, seed=seed),
            detokenizer=loaded.detokenizer(prompts[0]),
            eos_ids=(),
            alphas=lambda: recipe.alphas,
        )
        decoding = explaining = 0.0
        count = 0
        mark = time.perf_counter()
        for step in steps:
            decoded = time.perf_counter()
            attribute(step.logits, step.alphas, step.token_id)
            decoding += decoded - mark
            mark = time.perf_counter()
            explaining += mark - decoded
            count += 1
        shares.append(explaining / decoding)
        milliseconds.append(1000 * explaining / count)
    return {
        "attribution_share": round(statistics.median(shares), 4),
        "attribution_ms_per_token": round(statistics.median(milliseconds), 3),
        "vocabulary": loaded.ensemble.vocabulary_size,
    }


def rows_in_memory() -> dict[str, Any]:
    """MiB that a process grows by while it keeps the rows of many tokens of a large vocabulary."""
    random = np.random.default_rng(0)
    source = [random.normal(0, 3, _VOCABULARY).astype(np.float32) for _ in range(3)]
    budget = RowBudget(DEFAULT_BYTES)
    store = RowStore(budget)
    before = psutil.Process().memory_info().rss
    highest = before
    for index in range(_TOKENS):
        base, expert, anti = (row.copy() for row in source)
        rows = RoleLogits(base, (expert,), (anti,))
        store.add(TokenStep(index, index, "", 0, (1.0,), rows, 1.0))
        highest = max(highest, psutil.Process().memory_info().rss)
    mib = 2**20
    return {
        "tokens": _TOKENS,
        "vocabulary": _VOCABULARY,
        "all_rows_mib": round(_TOKENS * 3 * _VOCABULARY * 4 / mib),
        "bound_mib": DEFAULT_BYTES // mib,
        "held_mib": round(budget.held_bytes / mib),
        "process_grew_by_mib": round((highest - before) / mib),
    }


def smollm2() -> Recipe:
    """Three roles of the same checkpoint; each is evaluated by itself all the same."""
    spec = CheckpointSpec(f"gguf:{FILE}", dtype="bfloat16")
    other = replace(spec, prompt="{prompt} ")
    pair = ExpertPair("same", other, replace(spec, prompt=" {prompt}"), 1.0)
    return Recipe("three SmolLM2", spec, (pair,), "Once upon a time")


def main() -> None:
    torch.set_num_threads(2)
    with torch.inference_mode():
        figures: dict[str, Any] = {"demo": share_of_decoding(find_recipe("demo"), 200, 5)}
        if FILE.is_file():
            figures["smollm2"] = share_of_decoding(smollm2(), 60, 3)
    figures["rows"] = rows_in_memory()
    json.dump(figures, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
