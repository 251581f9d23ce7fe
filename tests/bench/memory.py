"""The memory estimate beside what is measured: ``python -m tests.bench.memory`` prints JSON.

Every set-up is loaded and used in a process of its own, on random weights at the shapes of models
that people use. What is measured is what that process gained since just before loading:

- ``resident``: the highest resident memory (VmHWM), as a process monitor shows it;
- ``held``: the same without weight files that are only read while loading, whose pages the system
  takes back when it needs them. This is what has to be free.

Each set-up reads a prompt that nearly fills the context, generates a few tokens, and then
keeps as many rows for inspection as a text of the whole context would.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)
from transformers.initialization import no_init_weights

from app.checkpoints.recipes.recipe_file import read_recipe
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.decoding.types import GenerationConfig
from tests.tiny import EOS, make_tokenizer

_SAMPLED_EVERY = 0.005
_GENERATED = 16
_BEYOND_THE_BOUND = 16  # rows are reduced to candidates from there on, which is slow


@dataclass(frozen=True)
class Setup:
    """Three roles by checkpoint and settings, and the context."""

    base: str
    expert: str
    antiexpert: str
    context: int
    settings: dict[str, str]
    pair_settings: dict[str, str]


def _setup(
    base: str,
    expert: str,
    antiexpert: str,
    context: int = 1024,
    pair: str = "none",
    **settings: str,
) -> Setup:
    return Setup(base, expert, antiexpert, context, settings, {"quantization": pair, **settings})


SETUPS = {
    "small: 25M ×3, float32 from bfloat16": _setup(
        "small-0", "small-1", "small-2", 256, dtype="float32"
    ),
    "SmolLM2-135M ×3, bfloat16": _setup("smol-0", "smol-1", "smol-2"),
    "SmolLM2-135M ×3, float32": _setup("smol-0", "smol-1", "smol-2", dtype="float32"),
    "SmolLM2-135M, base is anti-expert": _setup("smol-0", "smol-1", "smol-0"),
    "SmolLM2-135M ×3, context 4,096": _setup("smol-0", "smol-1", "smol-2", 4096),
    "GPT-2 124M ×3, stored float32": _setup("gpt2-0", "gpt2-1", "gpt2-2"),
    "Qwen2.5-0.5B with a smaller pair": _setup("qwen-0", "pair-0", "pair-1", 2048),
    "SmolLM2-135M, NF4 pair": _setup("smol-0", "smol-1", "smol-2", pair="nf4"),
    "SmolLM2-135M, int8 pair": _setup("smol-0", "smol-1", "smol-2", pair="int8"),
    "Qwen2.5-0.5B in NF4, one model for all roles": _setup(
        "qwen-0", "qwen-0", "qwen-0", 2048, pair="nf4", quantization="nf4"
    ),
}


def _smol() -> PretrainedConfig:
    return LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        dtype=torch.bfloat16,
    )


def _qwen(
    layers: int = 24, hidden: int = 896, intermediate: int = 4864, rows: int = 151936
) -> PretrainedConfig:
    return Qwen2Config(
        vocab_size=rows,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        num_key_value_heads=2,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
        dtype=torch.bfloat16,
    )


def _small() -> PretrainedConfig:
    return _qwen(6, 512, 1792, 8192)


def _pair() -> PretrainedConfig:
    return _qwen(12, 512, 2048)


def _gpt2() -> PretrainedConfig:
    return GPT2Config(dtype=torch.float32)


_SHAPES: dict[str, Callable[[], PretrainedConfig]] = {
    "smol": _smol,
    "qwen": _qwen,
    "pair": _pair,
    "small": _small,
    "gpt2": _gpt2,
}


def write_checkpoint(name: str, root: Path) -> Path:
    """Write a checkpoint of random weights, unless it is there."""
    folder = root / name
    if folder.is_dir():
        return folder
    shape, _, seed = name.partition("-")
    torch.manual_seed(int(seed))
    config = _SHAPES[shape]()
    config.bos_token_id = config.eos_token_id = 0
    previous = torch.get_default_dtype()
    torch.set_default_dtype(config.dtype)
    try:
        with no_init_weights():
            model = AutoModelForCausalLM.from_config(config)
    finally:
        torch.set_default_dtype(previous)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02)
    model.tie_weights()
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=make_tokenizer(), eos_token=EOS).save_pretrained(
        folder
    )
    return folder


def make_recipe(setup: Setup, root: Path) -> Recipe:
    """The recipe of a set-up, with its checkpoints written under ``root``."""

    def spec(name: str, settings: dict[str, str]) -> CheckpointSpec:
        return CheckpointSpec(
            f"folder:{write_checkpoint(name, root)}",
            device="cpu",
            **settings,  # type: ignore[arg-type]
        )

    same = setup.base == setup.expert  # one model with three prompts
    expert = spec(setup.expert, setup.pair_settings)
    antiexpert = spec(setup.antiexpert, setup.pair_settings)
    if same:
        expert = replace(expert, prompt="A {prompt}")
        antiexpert = replace(antiexpert, prompt="B {prompt}")
    return Recipe(
        name="measured",
        base=spec(setup.base, setup.settings),
        pairs=(ExpertPair("Pair", expert, antiexpert),),
        context=setup.context,
        sampling=GenerationConfig(max_new_tokens=_GENERATED),
    )


def measure(recipe: Recipe) -> dict[str, Any]:
    """Estimate, then load and use ``recipe`` in this process, which must be fresh."""
    from app.checkpoints.loading.loader import load_recipe
    from app.checkpoints.memory.estimate import estimate_memory
    from app.checkpoints.opening import open_recipe
    from app.checkpoints.vocabulary.compare import compare_vocabularies

    opened = open_recipe(recipe)
    masked = compare_vocabularies(opened).masked_ids
    estimate = estimate_memory(opened, {})
    found = next(device for device in estimate.devices if device.device == "cpu")
    before = status_of_process()
    with torch.inference_mode():
        with _highest("RssAnon") as loading:
            loaded = load_recipe(opened, masked)
        resident = status_of_process()["VmHWM"]
        forget_highest()
        stages = {
            "loading, held": loading[0] - before["RssAnon"],
            "loaded": status_of_process()["VmRSS"],
        }
        kept = _use(loaded, recipe, stages)
    used = status_of_process()["VmHWM"]
    stages["after"] = status_of_process()["VmRSS"]
    for stage in ("loaded", "generated", "after"):
        stages[stage] -= before["VmRSS"]
    del kept
    held = max(loading[0] - before["RssAnon"], used - before["VmRSS"])
    return {
        "estimate": {"held": found.peak, "resident": found.resident_peak},
        "measured": {"held": held, "resident": max(resident, used) - before["VmRSS"]},
        "parts": {f"{part.label} ({part.kind})": part.size for part in found.parts},
        "stages": stages,
    }


def _use(loaded: Any, recipe: Recipe, stages: dict[str, int]) -> object:
    """Fill the context and keep the rows of as many tokens."""
    from app.attribution.row_store import DEFAULT_BYTES, RowStore
    from app.decoding.decode import decode

    prompt = [1 + index % 300 for index in range(recipe.context - _GENERATED)]
    rows = RowStore()
    step = None
    for step in decode(
        loaded.ensemble,
        [prompt] * len(loaded.ensemble.models),
        recipe.sampling,
        detokenizer=loaded.detokenizer(prompt),
        eos_ids=(),
        alphas=lambda: recipe.alphas,
    ):
        rows.add(step)
    assert step is not None
    stages["generated"] = status_of_process()["VmRSS"]
    bound = DEFAULT_BYTES // sum(row.nbytes for row in _distinct(step.logits))
    for index in range(_GENERATED, min(recipe.context, bound + _BEYOND_THE_BOUND)):
        rows.add(replace(step, index=index, logits=_copied(step.logits)))
    return rows


def _copied(logits: Any) -> Any:
    rows = _distinct(logits)
    copies = dict(zip(map(id, rows), np.stack(rows), strict=True))
    return type(logits)(
        base=copies[id(logits.base)],
        experts=tuple(copies[id(row)] for row in logits.experts),
        antiexperts=tuple(copies[id(row)] for row in logits.antiexperts),
    )


def _distinct(logits: Any) -> list[Any]:
    rows = (logits.base, *logits.experts, *logits.antiexperts)
    return list({id(row): row for row in rows}.values())


def status_of_process() -> dict[str, int]:
    """Figures of the memory of this process, in bytes, by their names in /proc."""
    text = Path("/proc/self/status").read_text()
    return {
        name: int(kilobytes) * 1024
        for name, kilobytes in re.findall(r"(VmHWM|VmRSS|RssAnon|RssFile):\s+(\d+) kB", text)
    }


def forget_highest() -> None:
    """Let the peak of the resident memory (VmHWM) start again from what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


@contextmanager
def _highest(name: str) -> Iterator[list[int]]:
    """Sample a figure of the process on a thread, since the kernel keeps no peak of it."""
    highest = [status_of_process()[name]]
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLED_EVERY):
            highest[0] = max(highest[0], status_of_process()[name])

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield highest
    finally:
        ended.set()
        thread.join()


def measure_apart(name: str, root: Path) -> dict[str, Any]:
    """Measure a set-up in a fresh process."""
    make_recipe(SETUPS[name], root)  # checkpoints are written here, not in the measured process
    return _run("--root", str(root), "--only", name)


def measure_recipe_apart(path: Path) -> dict[str, Any]:
    """Measure the recipe in a file, whose context must be set, in a fresh process."""
    return _run("--recipe", str(path))


def _run(*options: str) -> dict[str, Any]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.bench.memory", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, help="folder for the checkpoints (default: temporary)")
    parser.add_argument("--only", help="measure this set-up, in this process")
    parser.add_argument("--recipe", type=Path, help="measure this recipe, in this process")
    parser.add_argument("--match", default="", help="measure set-ups whose name contains this")
    options = parser.parse_args()
    if options.recipe:
        print(json.dumps(measure(read_recipe(options.recipe))))
        return
    if options.only:
        print(json.dumps(measure(make_recipe(SETUPS[options.only], options.root))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = options.root or Path(temporary)
        names = [name for name in SETUPS if options.match in name]
        results = {}
        for name in names:
            results[name] = measure_apart(name, root)
            print(_rows(name, results[name]), file=sys.stderr)
    print(json.dumps({"machine": _machine(), "setups": results}, indent=2, ensure_ascii=False))


def _rows(name: str, result: dict[str, Any]) -> str:
    """Lines of the table in docs/memory.md."""
    lines = []
    for kind in ("held", "resident"):
        estimated, measured = result["estimate"][kind], result["measured"][kind]
        lines.append(
            f"| {name} | {kind} | {estimated / 1e9:.2f} | {measured / 1e9:.2f} "
            f"| {estimated / measured:.2f} |"
        )
    return "\n".join(lines)


def _machine() -> dict[str, str]:
    from importlib.metadata import version

    packages = ("torch", "transformers", "safetensors", "bitsandbytes", "accelerate")
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


if __name__ == "__main__":
    main()
