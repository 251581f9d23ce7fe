"""What speculation brings: ``python -m tests.bench.speculation [REPEATS]`` prints JSON.

- Acceptance of the expert's draft by the noise of the position, beside what the rule of Leviathan
  et al. (arXiv 2211.17192), min(1, p/q), would reach on the same tokens, on the demo recipe.
- Blocks and tokens per second beside plain decoding, in turn: the demo recipe, and three
  SmolLM2-135M where their weights are in build/real, the expert and the anti-expert moved by a
  small seeded perturbation; writing freely, and copying a text with one change.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.decode import decode
from app.decoding.sampling import process_logits
from app.decoding.speculative import Speculator
from app.decoding.tuned_logits import tuned_logits
from app.decoding.types import GenerationConfig, TokenStep
from tests.real.smollm2 import FILE, FOLDER

_PROMPTS = (
    "The king and the queen walk in the garden.\n\nKING:\n",
    "Once upon a time there was a girl who lived by the sea.",
    "JULIET:\n",
    "The old man looked at the door and said",
)
_PASSAGE = (
    "The harbour of the small town was built in 1874 by a company from the capital. It has two "
    "piers, a lighthouse of red brick and a hall where fish is sold every morning at six o'clock. "
    "In winter the boats stay ashore, and the fishermen mend their nets in the long wooden sheds "
    "behind the church. Visitors come in summer, when the ferry to the islands runs four times a "
    "day, and the bakery on the square sells almond cakes after a recipe that nobody will tell."
)


def load(recipe: Recipe) -> LoadedRecipe:
    opened = open_recipe(recipe)
    found = preflight(opened, recipe.sample_prompt)
    return load_recipe(opened, found.vocabulary.masked_ids, spare=found.memory.spare)


def write(
    loaded: LoadedRecipe,
    prompt: str,
    config: GenerationConfig,
    alphas: Sequence[float],
    speculator: Speculator | None = None,
) -> tuple[list[TokenStep], float]:
    """The steps of a text, and its tokens per second without the prefill."""
    prompts = loaded.encode(prompt)
    steps: list[TokenStep] = []
    started = 0.0
    for step in decode(
        loaded.ensemble,
        prompts,
        config,
        detokenizer=loaded.detokenizer(prompts[0]),
        eos_ids=loaded.eos_ids,
        alphas=lambda: tuple(alphas),
        speculator=speculator,
    ):
        steps.append(step)
        started = started or time.perf_counter()
    elapsed = time.perf_counter() - started
    return steps, (len(steps) - 1) / elapsed if elapsed > 0 else 0.0


def acceptance(loaded: LoadedRecipe, temperature: float, tokens: int) -> dict[str, float]:
    """Of the first pair's expert as the draft, at every token of plain texts."""
    same, overlap = [], []
    for seed, prompt in enumerate(_PROMPTS):
        config = replace(
            loaded.recipe.sampling, max_new_tokens=tokens, temperature=temperature, seed=seed
        )
        ids = list(loaded.encode(prompt)[0])
        for step in write(loaded, prompt, config, loaded.recipe.alphas)[0]:
            history = np.array(ids)
            target = process_logits(tuned_logits(step.logits, step.alphas), history, config)
            drafted = process_logits(step.logits.experts[0], history, config)
            same.append(drafted.sample(config.seed, step.index)[0] == step.token_id)
            rows = (torch.from_numpy(found.row()) for found in (target, drafted))
            both = (torch.softmax(row.double(), 0) for row in rows)
            overlap.append(float(torch.minimum(*both).sum()))
            ids.append(step.token_id)
    return {
        "tokens": len(same),
        "shared noise": statistics.mean(same),
        "min(1, p/q)": statistics.mean(overlap),
    }


def speed(
    loaded: LoadedRecipe, prompts: Sequence[str], config: GenerationConfig, repeats: int
) -> dict[str, Any]:
    """Plain and speculative decoding in turn, the same seeds; medians."""
    alphas, speculator = loaded.recipe.alphas, Speculator()
    write(loaded, prompts[0], config, alphas)  # what libraries prepare
    plain_rates, rates, blocks, accepted, plain_tokens, differ = [], [], [], [], [], []
    for number in range(repeats):
        prompt = prompts[number % len(prompts)]
        seeded = replace(config, seed=number)
        plain, plain_rate = write(loaded, prompt, seeded, alphas)
        steps, rate = write(loaded, prompt, seeded, alphas, speculator)
        plain_rates.append(plain_rate)
        rates.append(rate)
        stats = speculator.stats
        blocks.append(stats.total.mean_block or 1.0)
        accepted.append(stats.total.acceptance or 0.0)
        plain_tokens.append(stats.plain / len(steps))
        pairs = zip(plain, steps, strict=False)
        differ.append(next((a.index for a, b in pairs if a.token_id != b.token_id), None))
    return {
        "plain tokens/s": statistics.median(plain_rates),
        "speculative tokens/s": statistics.median(rates),
        "median ratio": statistics.median(b / a for a, b in zip(plain_rates, rates, strict=True)),
        "acceptance": statistics.median(accepted),
        "tokens of a block": statistics.median(blocks),
        "share read plainly": statistics.median(plain_tokens),
        "sources of the last text": {name: str(counts) for name, counts in stats.sources},
        "first token that differs from plain": differ,
    }


def smollm2(share: float) -> LoadedRecipe:
    """Three copies in bfloat16; expert and anti-expert are moved by a share of each weight's σ."""
    os.environ["XDG_CACHE_HOME"] = str(FOLDER / "cache")  # the converted file is kept there
    names = (("expert", 1), ("antiexpert", 2))
    source = CheckpointSpec(f"gguf:{FILE}", dtype="bfloat16")
    alone = Recipe("SmolLM2", source, (ExpertPair("Same", source, source),))
    folder = open_recipe(alone).roles[0].files.folder
    folders = {name: _moved(folder, name, seed, share) for name, seed in names}
    expert, anti = (CheckpointSpec(f"folder:{path}", dtype="bfloat16") for path in folders.values())
    base = CheckpointSpec(f"folder:{folder}", dtype="bfloat16")
    return load(Recipe("SmolLM2", base, (ExpertPair("Moved", expert, anti),), sample_prompt="The"))


def _moved(folder: Any, name: str, seed: int, share: float) -> Any:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    target = FOLDER / f"moved-{name}-{share}"
    if target.exists():
        return target
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_((noise * share * parameter.float().std()).to(parameter.dtype))
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(folder).save_pretrained(target)
    return target


def main(repeats: int) -> None:
    """Measure everything and print it."""
    results: dict[str, Any] = {}

    def note(name: str, measured: dict[str, Any]) -> None:
        results[name] = measured
        print(name, measured, file=sys.stderr, flush=True)

    with torch.inference_mode():
        loaded = load(find_recipe("demo"))
        for temperature in (0.7, 1.0):
            note(f"demo, acceptance at {temperature}", acceptance(loaded, temperature, 210))
        for temperature in (0.0, 0.7, 1.0):
            config = replace(loaded.recipe.sampling, max_new_tokens=200, temperature=temperature)
            note(f"demo at {temperature}", speed(loaded, _PROMPTS, config, repeats))
        if FILE.is_file():
            loaded = smollm2(0.05)
            config = GenerationConfig(max_new_tokens=128, temperature=0.0, top_p=1.0)
            prompts = ["The history of the lighthouse begins", "A good soup needs"]
            for temperature in (0.0, 0.7):
                at = replace(config, temperature=temperature)
                note(f"SmolLM2 at {temperature}", speed(loaded, prompts, at, repeats))
            copying = f"Original:\n{_PASSAGE}\n\nThe same with 1874 changed to 1901:\n"
            note("SmolLM2, copying", speed(loaded, [copying], config, repeats))
    json.dump(results, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
