"""What texts at once take: python -m tests.bench.side_by_side_memory FOLDER [--texts 4]

Three roles with small weights and large KV caches decode texts at the full context in one batch,
in this process. What it gains at most (VmHWM) is printed beside what the estimate says.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from transformers import LlamaConfig

from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.memory.estimate import estimate_memory
from app.checkpoints.opening import open_recipe
from app.checkpoints.spec import ExpertPair, Recipe
from app.decoding.decoded_text import DecodedText
from app.decoding.side_by_side import SideBySide
from app.decoding.types import GenerationConfig
from tests import tiny
from tests.bench.memory import forget_highest, status_of_process

CONTEXT = 1024
_GENERATED = 8


def large_caches(folder: Path) -> Recipe:
    """A recipe of three checkpoints that hold 32 KiB for each token of a text."""
    config = LlamaConfig(
        vocab_size=tiny.VOCABULARY,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=8,
        num_attention_heads=8,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=0,
    )
    base, expert, antiexpert = (
        tiny.spec(tiny.save(tiny.random_model(config, seed), folder / name, tiny.make_tokenizer()))
        for seed, name in enumerate(("base", "expert", "antiexpert"))
    )
    sampling = GenerationConfig(max_new_tokens=_GENERATED)
    return Recipe("large caches", base, (ExpertPair("P", expert, antiexpert),), sampling=sampling)


def measure(recipe: Recipe, texts: int) -> dict[str, int]:
    """Bytes estimated and measured for several texts at once, beside the weights."""
    opened = open_recipe(recipe)
    memory = estimate_memory(opened, {}, kept_rows=0).devices[0]
    loaded = load_recipe(opened, ())
    prompt = [1 + index % 300 for index in range(CONTEXT - _GENERATED)]
    loaded.ensemble.prefixes.limit = 0  # nothing is kept of texts that have ended
    side = SideBySide(loaded.ensemble)
    before = status_of_process()["VmRSS"]
    forget_highest()
    with torch.inference_mode():
        made = [
            DecodedText(
                [prompt] * len(loaded.ensemble.models),
                recipe.sampling,
                detokenizer=loaded.detokenizer(prompt),
                eos_ids=(),
                alphas=lambda: recipe.alphas,
                cancelled=lambda: False,
                on_step=lambda step: None,
            )
            for _ in range(texts)
        ]
        for text in made:
            side.add(text)
        while not all(text.ended for text in made):
            side.step()
    one = sum(part.size for part in memory.parts if part.kind in ("cache", "work"))
    beside = texts * memory.each_text if texts > 1 else 0
    return {"estimated": one + beside, "measured": status_of_process()["VmHWM"] - before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the checkpoints are written")
    parser.add_argument("--texts", type=int, default=4)
    options = parser.parse_args()
    print(json.dumps(measure(large_caches(options.folder), options.texts)))


if __name__ == "__main__":
    main()
