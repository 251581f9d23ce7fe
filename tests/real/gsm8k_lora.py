"""A LoRA expert of SmolLM2-135M-Instruct, tuned on GSM8K training answers, and what it reaches.

``python -m tests.real.gsm8k_lora train TRAIN.jsonl TEST.jsonl`` writes the adapter, recipes with
the model itself as base and anti-expert, and a task, into ``build/real/gsm8k``; ``… format FOLDER``
counts, in what ``tuneshift eval --output FOLDER`` kept, how often an answer ends as those of GSM8K.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.checkpoints.opening import open_recipe
from app.checkpoints.recipes.recipe_file import write_recipe
from app.checkpoints.spec import CHAT, CheckpointSpec, ExpertPair, Recipe
from tests.real import smollm2

FOLDER = smollm2.FOLDER / "gsm8k"
PROMPT = "Answer the following question.\n\nQuestion: {question}\nAnswer:"
ENDING = re.compile(r"####\s*[-+]?\$?\d[\d,.]*\s*$")
_CALCULATION = re.compile(r"<<[^>]*>>")
_IGNORED = -100

TASK = """format = 1
name = "gsm8k-160"
data = "{data}"
metric = "match"
prompt = {prompt}
answer = "{{answer}}"

[match]
pattern = '[-+]?\\d*\\.\\d+|\\d+'
answer_pattern = '####\\s*[-+]?(\\S+)'
remove = '(?<=\\d),(?=\\d)'

[generation]
max_new_tokens = 160
temperature = 0.0
stop = ["Answer the following question", "Question:", "Comment:"]
"""


def train(data: Path, test: Path, steps: int, rate: float, batch: int) -> None:
    """Tune the adapter; the loss is that of the answers alone."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    spec = CheckpointSpec(f"gguf:{smollm2.fetch()}", engine="transformers")
    alone = Recipe("SmolLM2", spec, (ExpertPair("none", spec, spec),))
    folder = open_recipe(alone).roles[0].files.folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=[
            "q_proj",
            "k_proj",
            "v_proj",
            "o_proj",
            "gate_proj",
            "up_proj",
            "down_proj",
        ],
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config, autocast_adapter_dtype=True)
    examples = _examples(data, tokenizer)
    random.Random(0).shuffle(examples)
    weights = [weight for weight in adapted.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1, (step + 1) / 10) * 0.5 * (1 + math.cos(math.pi * step / steps)),
    )
    adapted.train()
    used = time.process_time()
    for step in range(steps):
        chosen = [examples[(step * batch + row) % len(examples)] for row in range(batch)]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = adapted(**_padded(chosen)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        print(f"step {step + 1} of {steps}: loss {loss.item():.4f}", flush=True)
    seconds = time.process_time() - used
    print(f"{steps * batch} answers in {seconds:.0f} s of processor time")
    adapter = FOLDER / "adapter"
    adapted.save_pretrained(adapter)
    _write_recipes(spec, adapter)
    (FOLDER / "gsm8k-160.toml").write_text(
        TASK.format(data=test.resolve(), prompt=json.dumps(PROMPT)), encoding="utf-8"
    )


def count_format(folder: Path) -> None:
    """Print, for every role, how many answers end with “#### number”."""
    for path in sorted(folder.glob("answers/gsm8k-160/*.jsonl")):
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        right = sum(record["value"] for record in records)
        ended = sum(bool(ENDING.search(record["output"][0])) for record in records)
        print(f"{path.stem}: {ended} of {len(records)} end with “#### number”, {right:g} are right")


def _examples(data: Path, tokenizer: AutoTokenizer) -> list[tuple[list[int], int]]:
    """The ids of question and answer, and how many of them are the question."""
    found = []
    for line in data.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        prompt = tokenizer(PROMPT.format(question=item["question"]))["input_ids"]
        answer = _CALCULATION.sub("", item["answer"])
        ids = tokenizer(f" {answer}{tokenizer.eos_token}")["input_ids"]
        if len(prompt) + len(ids) <= 320:
            found.append((prompt + ids, len(prompt)))
    return found


def _padded(examples: Sequence[tuple[list[int], int]]) -> dict[str, Tensor]:
    width = max(len(ids) for ids, _ in examples)
    ids = torch.zeros((len(examples), width), dtype=torch.int64)
    labels = torch.full_like(ids, _IGNORED)
    mask = torch.zeros_like(ids)
    for row, (own, prompt) in enumerate(examples):
        ids[row, : len(own)] = torch.tensor(own)
        labels[row, prompt : len(own)] = torch.tensor(own[prompt:])
        mask[row, : len(own)] = 1
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


def _write_recipes(spec: CheckpointSpec, adapter: Path) -> None:
    """One whose base is the anti-expert, and one whose base reads its chat template."""
    expert = CheckpointSpec(f"adapter:{adapter}", over=spec.source)
    pair = ExpertPair("GSM8K", expert, spec)
    write_recipe(Recipe("SmolLM2 and GSM8K", spec, (pair,)), FOLDER / "same-base.toml")
    chat = replace(spec, prompt=CHAT)
    write_recipe(Recipe("SmolLM2 chat and GSM8K", chat, (pair,)), FOLDER / "chat-base.toml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("data", type=Path)
    training.add_argument("test", type=Path)
    training.add_argument("--steps", type=int, default=150)
    training.add_argument("--rate", type=float, default=5e-4)
    training.add_argument("--batch", type=int, default=8)
    counting = commands.add_parser("format")
    counting.add_argument("folder", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("XDG_CACHE_HOME", str(smollm2.FOLDER / "cache"))
    if options.command == "train":
        train(options.data, options.test, options.steps, options.rate, options.batch)
    else:
        count_format(options.folder)


if __name__ == "__main__":
    main()
