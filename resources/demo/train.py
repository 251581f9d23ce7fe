"""Train, export and measure the demo checkpoints that ship with Tuneshift.

    python resources/demo/train.py all --data ../shared/data --state build/demo

Every stage may also be run on its own: `prepare`, `pretrain`, `tune`, `export`, `eval`, `tasks`,
`sample` (see `--help`). A stage that was stopped continues from its last checkpoint, and
`pretrain` with a larger budget continues the stage before the learning rate was lowered.
See docs/demo.md for what came out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from textwrap import wrap

# Threads that wait for each other must not spin for long on a machine that does other work.
os.environ["GOMP_SPINCOUNT"] = os.environ.get("GOMP_SPINCOUNT", "2000")

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

EOS = "<|endoftext|>"
VOCAB = 8192
CONTEXT = 1024
BLOCK = 1024  # tokens in one training block, cut into shorter rows for most of the training
BATCH_BLOCKS = 4  # blocks in one optimizer step
HELD_OUT = 0.05
QUESTION_EVERY = 20  # one training block in 20 holds GSM8K questions: 5% of the tokens
DECAY = 0.3  # last part of pretraining, in which the learning rate falls to 0
SEED = 20240

SHAPES: dict[str, dict[str, int]] = {
    "base": {"hidden_size": 256, "intermediate_size": 688, "layers": 6, "heads": 4},
    "antiexpert": {"hidden_size": 144, "intermediate_size": 384, "layers": 4, "heads": 3},
}
PRETRAIN_TOKENS = {"base": 5e6, "antiexpert": 6e6}
# name of the tuned model -> (what it starts from, what it is tuned on)
TUNED: dict[str, tuple[str, str]] = {
    "shakespeare": ("antiexpert", "shakespeare"),
    "arithmetic": ("antiexpert", "arithmetic"),
    "direct-shakespeare": ("base", "shakespeare"),
    "direct-arithmetic": ("base", "arithmetic"),
    "direct-both": ("base", "both"),
}
EPOCHS = {
    "shakespeare": 5.0,
    "arithmetic": 1.2,
    "direct-shakespeare": 3.0,
    "direct-arithmetic": 1.2,
    "direct-both": 1.2,
}
DOMAINS = ("shakespeare", "arithmetic")
SHIPPED = ("base", "antiexpert", "shakespeare", "arithmetic")
PRETRAIN_LR = {"base": (0.02, 4e-3), "antiexpert": (0.02, 4e-3)}  # Muon, AdamW
DISTILL_TOKENS = 2.4e6
DISTILL_LR = (0.015, 3e-3)
TUNE_LR = (0.01, 2e-3)
ITEMS = 200  # GSM8K test items that the figures of docs/demo.md are of

Weights = dict[str, float]
Row = tuple[list[int], int, int]  # tokens, first scored position, bytes of the scored tokens


# --- text -----------------------------------------------------------------------------------


def straighten(text: str) -> str:
    """Straight quotes; British single-quoted dialogue becomes double-quoted."""
    if text.count("‘") > text.count("“"):
        text = re.sub(r"‘|(?<=[.,!?;:\-—…])’(?![a-z])", '"', text)
    table = {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "--", "–": "-", "…": "...", "\ufeff": ""}
    return text.translate(str.maketrans(table)).replace("\r\n", "\n")


def is_wrapped(lines: list[str]) -> bool:
    """Whether these lines are one hard-wrapped paragraph rather than verse or a heading."""
    full = lines[:-1] or lines
    return sum(len(line) for line in full) / len(full) >= 50


def clean_prose(text: str) -> str:
    """A Gutenberg book as paragraphs separated by one empty line, front matter dropped."""
    blocks: list[str] = []
    first: int | None = None
    for raw in re.split(r"\n\s*\n", straighten(text).replace("_", "")):
        lines = [line.strip() for line in raw.split("\n") if line.strip()]
        if not lines or not re.search(r"\w", raw) or lines[0].startswith("[Illustration"):
            continue
        wrapped = is_wrapped(lines)
        block = re.sub(r" {2,}", " ", (" " if wrapped else "\n").join(lines))
        if first is None and wrapped and len(block) >= 200 and "[" not in block:
            first = max(len(blocks) - 1, 0)  # keep the heading above the first paragraph
        blocks.append(block)
    return "\n\n".join(blocks[first or 0 :]) + "\n\n"


def relay(text: str, random: Random) -> str:
    """The same prose in another layout: short lines that begin with a capital, shouted headings.

    Models trained on paragraphs alone have no opinion on what follows a line break in mid-sentence;
    where an anti-expert and a base make up different ones, proxy-tuning adds the difference.
    """
    blocks = []
    for paragraph in filter(None, text.split("\n\n")):
        lines = wrap(paragraph, random.randint(26, 64))
        if random.random() < 0.7:
            lines = [line[:1].upper() + line[1:] for line in lines]
        if random.random() < 0.4:
            word = random.choice(paragraph.split())
            lines.insert(0, word.upper() if random.random() < 0.3 else f"{word.upper()}:")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def split_tail(text: str, share: float, separator: str) -> tuple[str, str]:
    """Cut off the last `share` of the text at the nearest following separator."""
    cut = text.index(separator, int(len(text) * (1 - share))) + len(separator)
    return text[:cut], text[cut:]


def read_plays(data: Path) -> str:
    """The plays, with their lines as they are."""
    return straighten((data / "shakespeare.txt").read_text("utf-8"))


def gsm8k(path: Path) -> list[tuple[str, str]]:
    """Question and answer pairs, without the calculator annotations."""
    items = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    strip = re.compile(r"<<.*?>>")
    return [(straighten(i["question"]).strip(), strip.sub("", i["answer"]).strip()) for i in items]


def read_prose(data: Path) -> tuple[list[str], list[str]]:
    """Training and held-out part of every book."""
    books = [clean_prose(p.read_text("utf-8")) for p in sorted((data / "prose").glob("*.txt"))]
    pairs = [split_tail(book, HELD_OUT, "\n\n") for book in books]
    return [a for a, _ in pairs], [b for _, b in pairs]


# --- tokenizer and prepared data ------------------------------------------------------------


def train_tokenizer(texts: Iterable[str], path: Path) -> None:
    """Byte-level BPE; every digit is a token of its own, a run of newlines may be one."""
    tokenizer = Tokenizer(models.BPE())
    pattern = Regex(r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pattern, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=[EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path))


def pack(tokenizer: Tokenizer, parts: Iterable[tuple[str, bool]]) -> dict[str, Tensor]:
    """One stream of tokens from pieces of text, each with or without a loss on it."""
    ids: list[int] = []
    mask: list[bool] = []
    for text, scored in parts:
        piece = tokenizer.encode(text).ids
        ids += piece
        mask += [scored] * len(piece)
    return {"ids": torch.tensor(ids, dtype=torch.int16), "mask": torch.tensor(mask)}


def worked(pairs: list[tuple[str, str]]) -> Iterable[tuple[str, bool]]:
    """Questions without and answers with a loss."""
    for question, answer in pairs:
        yield f"{question}\nAnswer:", False
        yield f" {answer}{EOS}", True


def scored_row(tokenizer: Tokenizer, ids: list[int], first: int) -> Row:
    """A row to measure; a byte-level token has one character for each byte."""
    return ids, first, sum(len(tokenizer.id_to_token(token)) for token in ids[first:])


def book_rows(tokenizer: Tokenizer, text: str) -> list[Row]:
    """Overlapping windows, so that all but the first tokens have half a context before them."""
    ids, half = tokenizer.encode(text).ids, CONTEXT // 2
    starts = range(0, max(len(ids) - half, 1), half)
    return [scored_row(tokenizer, ids[s : s + CONTEXT], half if s else 1) for s in starts]


def answer_rows(tokenizer: Tokenizer, pairs: list[tuple[str, str]]) -> list[Row]:
    """One row for each question, scored on the answer."""
    rows = []
    for question, answer in pairs:
        prompt = tokenizer.encode(f"{question}\nAnswer:").ids
        full = prompt + tokenizer.encode(f" {answer}").ids
        rows.append(scored_row(tokenizer, full, len(prompt)))
    return rows


def prepare(data: Path, state: Path) -> None:
    """Clean the texts, train the tokenizer, write token streams and held-out rows."""
    if (state / "data.pt").exists():
        return
    state.mkdir(parents=True, exist_ok=True)
    prose, prose_tail = read_prose(data)
    plays, plays_tail = split_tail(read_plays(data), HELD_OUT, "\n\n")
    plays, plays_dev = split_tail(plays, HELD_OUT, "\n\n")
    worked_all, test = gsm8k(data / "gsm8k_train.jsonl"), gsm8k(data / "gsm8k_test.jsonl")
    train, dev = worked_all[:-300], worked_all[-300:]
    samples = prose + [plays] + [f"{q}\nAnswer: {a}" for q, a in train]
    train_tokenizer(samples, state / "tokenizer.json")
    tok = Tokenizer.from_file(str(state / "tokenizer.json"))

    random = Random(SEED)
    prepared = {
        "prose": pack(tok, ((book + EOS, True) for book in prose)),
        "relaid": pack(tok, ((relay(book, random) + EOS, True) for book in prose)),
        "questions": pack(tok, ((f"{q}\n\n{EOS}", True) for q, _ in train)),
        "shakespeare": pack(tok, [(plays, True)]),
        "arithmetic": pack(tok, worked(train)),
        "held-out": {
            "prose": [row for tail in prose_tail for row in book_rows(tok, tail[:24000])],
            "shakespeare": book_rows(tok, plays_tail),
            "arithmetic": answer_rows(tok, test),
        },
        "dev": {
            "shakespeare": book_rows(tok, plays_dev),
            "arithmetic": answer_rows(tok, dev),
        },
    }
    torch.save(prepared, state / "data.pt")
    for name in ("prose", "relaid", "questions", "shakespeare", "arithmetic"):
        print(f"{name}: {len(prepared[name]['ids']):,} tokens")


class Stream:
    """Blocks of one token stream, in another order in every epoch, addressed by number."""

    def __init__(self, part: dict[str, Tensor]) -> None:
        self.ids, self.mask = part["ids"].long(), part["mask"]
        self.count = (len(self.ids) - 1) // BLOCK - 1
        self.epoch, self.order, self.offset = -1, torch.empty(0), 0

    def block(self, number: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a block; targets without a loss are -100."""
        epoch, index = divmod(number, self.count)
        if epoch != self.epoch:
            generator = torch.Generator().manual_seed(SEED + epoch)
            self.order = torch.randperm(self.count, generator=generator)
            self.offset = int(torch.randint(BLOCK, (1,), generator=generator))
            self.epoch = epoch
        start = self.offset + int(self.order[index]) * BLOCK
        ids, mask = (t[start : start + BLOCK + 1] for t in (self.ids, self.mask))
        return ids[:-1], ids[1:].masked_fill(~mask[1:], -100)


class Mixture:
    """Blocks taken from several streams in a fixed pattern."""

    def __init__(self, streams: list[Stream], pattern: list[int]) -> None:
        self.streams, self.pattern = streams, pattern
        self.count = sum(stream.count for stream in streams)

    def block(self, number: int) -> tuple[Tensor, Tensor]:
        turn, place = divmod(number, len(self.pattern))
        which = self.pattern[place]
        before = self.pattern[:place].count(which)
        return self.streams[which].block(turn * self.pattern.count(which) + before)

    def batch(self, step: int, length: int, device: str) -> tuple[Tensor, Tensor]:
        """The inputs and targets of an optimizer step, in rows of `length` tokens."""
        first = step * BATCH_BLOCKS
        blocks = [self.block(first + i) for i in range(BATCH_BLOCKS)]
        inputs, targets = (torch.cat(part).view(-1, length) for part in zip(*blocks, strict=True))
        return inputs.to(device), targets.to(device)


def pretrain_mixture(prepared: dict) -> Mixture:
    """Prose with 5% GSM8K questions."""
    streams = [Stream(prepared["prose"]), Stream(prepared["questions"])]
    return Mixture(streams, [0] * (QUESTION_EVERY - 1) + [1])


def distill_mixture(prepared: dict) -> Mixture:
    """What the anti-expert follows the base on: half of the prose in other layouts."""
    streams = [Stream(prepared[name]) for name in ("prose", "relaid", "questions")]
    return Mixture(streams, [0, 1] * (QUESTION_EVERY // 2 - 1) + [2, 2])


def tune_mixture(prepared: dict, task: str) -> Mixture:
    """One domain, or both in proportion to their sizes."""
    if task != "both":
        return Mixture([Stream(prepared[task])], [0])
    streams = [Stream(prepared[domain]) for domain in DOMAINS]
    return Mixture(streams, [0] + [1] * round(streams[1].count / streams[0].count))


# --- model and loss -------------------------------------------------------------------------


def new_model(shape: str) -> LlamaForCausalLM:
    """A freshly initialised model of one of the two shapes."""
    sizes = SHAPES[shape]
    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=sizes["hidden_size"],
        intermediate_size=sizes["intermediate_size"],
        num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"],
        num_key_value_heads=sizes["heads"],
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=None,
    )
    return LlamaForCausalLM(config)


class ChunkedCrossEntropy(torch.autograd.Function):
    """Mean cross entropy of the tied output layer, a few hundred rows of logits at a time.

    The gradient is computed together with the loss, so the full matrix of logits is never
    held; on a CPU this is a third faster than the plain way.
    """

    CHUNK = 512

    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        hidden16, weight16 = hidden.bfloat16(), weight.bfloat16()
        grad_hidden = torch.empty_like(hidden16)
        grad_weight = torch.zeros_like(weight, dtype=torch.float32)
        total = torch.zeros((), device=hidden.device)
        for start in range(0, len(targets), ChunkedCrossEntropy.CHUNK):
            rows = slice(start, start + ChunkedCrossEntropy.CHUNK)
            logits = (hidden16[rows] @ weight16.T).float()
            target = targets[rows, None]
            logits.sub_(logits.logsumexp(-1, keepdim=True))
            total -= logits.gather(1, target).sum()
            logits.exp_().scatter_add_(1, target, torch.full_like(target, -1, dtype=logits.dtype))
            grad = (logits / len(targets)).bfloat16()
            grad_hidden[rows] = grad @ weight16
            grad_weight += grad.T @ hidden16[rows]
        ctx.save_for_backward(grad_hidden.to(hidden.dtype), grad_weight)
        return total / len(targets)

    @staticmethod
    def backward(ctx, grad_output: Tensor) -> tuple[Tensor, Tensor, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grad_output, grad_weight * grad_output, None


class ChunkedDistillation(torch.autograd.Function):
    """Mean KL(teacher ‖ student) at temperatures 1 and ``SOFT``, in the same chunks.

    Proxy-tuning divides by what a model gives to improbable tokens. At temperature 1 nothing holds
    those to the teacher; a high temperature does (Hinton et al., arXiv 1503.02531).
    """

    SOFT = 4.0

    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor, taught: Tensor, teacher: Tensor) -> Tensor:
        hidden16, weight16, teacher16 = hidden.bfloat16(), weight.bfloat16(), teacher.bfloat16()
        grad_hidden = torch.empty_like(hidden16)
        grad_weight = torch.zeros_like(weight, dtype=torch.float32)
        total = torch.zeros((), device=hidden.device)
        for start in range(0, len(hidden), ChunkedCrossEntropy.CHUNK):
            rows = slice(start, start + ChunkedCrossEntropy.CHUNK)
            target = (taught[rows].bfloat16() @ teacher16.T).float()
            logits = (hidden16[rows] @ weight16.T).float()
            grad = torch.zeros_like(logits)
            for temperature in (1.0, ChunkedDistillation.SOFT):
                wanted = (target / temperature).log_softmax(-1)
                got = (logits / temperature).log_softmax(-1)
                total += temperature**2 * (wanted.exp() * (wanted - got)).sum()
                grad += temperature * (got.exp_() - wanted.exp_())
            grad16 = (grad / len(hidden)).bfloat16()
            grad_hidden[rows] = grad16 @ weight16
            grad_weight += grad16.T @ hidden16[rows]
        ctx.save_for_backward(grad_hidden.to(hidden.dtype), grad_weight)
        return total / len(hidden)

    @staticmethod
    def backward(ctx, grad_output: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grad_output, grad_weight * grad_output, None, None


def distillation_loss(model: LlamaForCausalLM, teacher: LlamaForCausalLM, inputs: Tensor) -> Tensor:
    """How far the model is from what the teacher predicts; see :class:`ChunkedDistillation`."""
    with torch.autocast(inputs.device.type, torch.bfloat16):
        with torch.no_grad():
            taught = teacher.model(inputs, use_cache=False).last_hidden_state.flatten(0, 1)
        hidden = model.model(inputs, use_cache=False).last_hidden_state.flatten(0, 1)
    return ChunkedDistillation.apply(
        hidden, model.lm_head.weight, taught, teacher.lm_head.weight.detach()
    )


def loss_of(model: LlamaForCausalLM, inputs: Tensor, targets: Tensor) -> Tensor:
    """Mean loss over the targets that have one."""
    with torch.autocast(inputs.device.type, torch.bfloat16):
        hidden = model.model(inputs, use_cache=False).last_hidden_state
    flat, keep = targets.flatten(), targets.flatten() >= 0
    return ChunkedCrossEntropy.apply(hidden.flatten(0, 1)[keep], model.lm_head.weight, flat[keep])


# --- training -------------------------------------------------------------------------------


@dataclass
class Budget:
    """When training ends: after so many tokens or so many minutes, whichever is first."""

    tokens: float
    minutes: float

    def progress(self, steps: int, seconds: float) -> float:
        done = steps * BATCH_BLOCKS * BLOCK
        return max(done / self.tokens, seconds / (60 * self.minutes))


class Trainer:
    """A model with its two optimizers, saved and restored together."""

    def __init__(self, model: LlamaForCausalLM, rates: tuple[float, float], device: str) -> None:
        self.model, self.rates, self.device = model.to(device).train(), rates, device
        matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
        others = [p for p in model.parameters() if not any(p is m for m in matrices)]
        self.optimizers = (
            torch.optim.Muon(matrices, lr=rates[0], weight_decay=0.1),
            torch.optim.AdamW(others, lr=rates[1], betas=(0.9, 0.95), weight_decay=0.0),
        )
        self.steps, self.seconds = 0, 0.0

    def step(self, losses: Iterable[Callable[[], Tensor]], factor: float) -> float:
        """One optimizer step on the sum of `losses` at `factor` times the full learning rates."""
        started = time.monotonic()
        total = 0.0
        for compute in losses:
            loss = compute()
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
        self.steps += 1
        self.seconds += time.monotonic() - started
        return total

    def save(self, path: Path, **extra: object) -> None:
        """Write everything needed to continue; the file is replaced in one step."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "steps": self.steps,
            "seconds": self.seconds,
            **extra,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    def load(self, path: Path) -> dict:
        """Continue from a saved state; returns it for what else it holds."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.steps, self.seconds = state["steps"], state["seconds"]
        return state


def resume_pretraining(trainer: Trainer, folder: Path, budget: Budget) -> bool:
    """Load the last state, or, under a new budget, the last one before the decay began.

    Returns whether the decay has begun.
    """
    if not (folder / "state.pt").exists():
        return False
    state = trainer.load(folder / "state.pt")
    if state["decaying"] and state["budget"] != [budget.tokens, budget.minutes]:
        state = trainer.load(folder / "stable.pt")
    print(f"continuing at step {trainer.steps}", flush=True)
    return state["decaying"]


def pretrain(name: str, state: Path, budget: Budget, device: str) -> None:
    """Constant learning rate, then a linear decay to 0 with longer and longer rows."""
    folder, mixture = state / name, pretrain_mixture(load_prepared(state))
    trainer = Trainer(new_model(name), PRETRAIN_LR[name], device)
    decaying = resume_pretraining(trainer, folder, budget)
    extra = {"budget": [budget.tokens, budget.minutes], "decaying": decaying}
    last_save, losses = time.monotonic(), []
    while (progress := budget.progress(trainer.steps, trainer.seconds)) < 1:
        if progress >= 1 - DECAY and not extra["decaying"]:
            trainer.save(folder / "stable.pt", **extra)
            extra["decaying"] = True
        factor = min(1.0, (trainer.steps + 1) / 60, (1 - progress) / DECAY)
        length = 256 if factor == 1 or trainer.steps < 60 else 512 if factor > 0.4 else 1024
        batch = mixture.batch(trainer.steps, length, device)
        losses.append(trainer.step([partial(loss_of, trainer.model, *batch)], factor))
        if trainer.steps % 20 == 0:
            report(name, trainer, progress, losses)
        if time.monotonic() - last_save > 120:
            trainer.save(folder / "state.pt", **extra)
            last_save = time.monotonic()
    trainer.save(folder / "state.pt", **extra)
    keep_weights(trainer.model, folder, trainer)


def report(name: str, trainer: Trainer, progress: float, losses: list[float]) -> None:
    """One line of the log; forgets the losses it has averaged."""
    speed = trainer.steps * BATCH_BLOCKS * BLOCK / max(trainer.seconds, 1e-9)
    mean = sum(losses) / len(losses)
    losses.clear()
    line = f"{name} step {trainer.steps} {progress:.3f} loss {mean:.4f} {speed:.0f} tokens/s"
    print(time.strftime("%H:%M:%S"), line, flush=True)


def keep_weights(model: LlamaForCausalLM, folder: Path, trainer: Trainer) -> None:
    """Write the finished weights and what they cost."""
    folder.mkdir(parents=True, exist_ok=True)
    cost = {"tokens": trainer.steps * BATCH_BLOCKS * BLOCK, "seconds": round(trainer.seconds)}
    torch.save({"model": model.state_dict(), **cost}, folder / "final.pt")
    print(f"{folder.name}: {cost}", flush=True)


def tune(name: str, state: Path, epochs: float, device: str) -> None:
    """Full fine-tuning with a linear decay; the weights with the best dev loss are kept.

    An expert is held to its anti-expert on what that one was trained on ("learning without
    forgetting", Li and Hoiem, arXiv 1606.09282), so that a pair is neutral outside its domain and
    several pairs can be used at once.
    """
    start, task = TUNED[name]
    prepared, folder = load_prepared(state), state / name
    mixture, rest = tune_mixture(prepared, task), distill_mixture(prepared)
    teacher = load_trained(state, start).to(device).eval() if name in SHIPPED else None
    dev = [prepared["dev"][t] for t in DOMAINS if task in (t, "both")]
    trainer = Trainer(load_trained(state, start), TUNE_LR, device)
    total = int(epochs * mixture.count / BATCH_BLOCKS)
    best = trainer.load(folder / "state.pt")["best"] if (folder / "state.pt").exists() else math.inf
    every, losses = max(total // 8, 1), []
    while trainer.steps < total:
        factor = min(1.0, (trainer.steps + 1) / 20, 1 - trainer.steps / total)
        batch = mixture.batch(trainer.steps, 512, device)
        parts = [partial(loss_of, trainer.model, *batch)]
        if teacher is not None:
            inputs, _ = rest.batch(trainer.steps, 512, device)
            parts.append(partial(distillation_loss, trainer.model, teacher, inputs))
        losses.append(trainer.step(parts, factor))
        if trainer.steps % 20 == 0:
            report(name, trainer, trainer.steps / total, losses)
        if trainer.steps % every == 0 or trainer.steps == total:
            score = dev_score(trainer.model, dev, device)
            print(f"{name} step {trainer.steps} dev {score:.4f} bits per byte", flush=True)
            if score < best:
                best = score
                keep_weights(trainer.model, folder, trainer)
            trainer.save(folder / "state.pt", best=best)


def dev_score(model: LlamaForCausalLM, dev: list[list[Row]], device: str) -> float:
    """Mean bits per byte over the domains a model is tuned on."""
    scores = [bits_per_byte({"": model}, {"": {"": 1.0}}, rows, device)[""] for rows in dev]
    return sum(scores) / len(scores)


def distill(state: Path, tokens: float, device: str) -> None:
    """Last part of the anti-expert's pretraining: the same texts, the base as the teacher.

    Two small models trained apart differ in much that is noise, and proxy-tuning adds that
    noise (base − anti-expert) to the expert. An anti-expert that predicts what the base
    predicts leaves less of it.
    """
    folder, mixture = state / "antiexpert", distill_mixture(load_prepared(state))
    teacher = load_trained(state, "base").to(device).eval()
    student = new_model("antiexpert")
    student.load_state_dict(torch.load(folder / "state.pt", weights_only=True)["model"])
    trainer = Trainer(student, DISTILL_LR, device)
    if (folder / "distill.pt").exists():
        trainer.load(folder / "distill.pt")
    total, losses = int(tokens / BATCH_BLOCKS / BLOCK), []
    while trainer.steps < total:
        factor = min(1.0, (trainer.steps + 1) / 20, 1 - trainer.steps / total)
        inputs, _ = mixture.batch(trainer.steps, 512, device)
        loss = partial(distillation_loss, trainer.model, teacher, inputs)
        losses.append(trainer.step([loss], factor))
        if trainer.steps % 20 == 0:
            report("distill", trainer, trainer.steps / total, losses)
        if trainer.steps % 60 == 0 or trainer.steps == total:
            trainer.save(folder / "distill.pt")
    keep_weights(trainer.model, folder, trainer)


# --- measuring ------------------------------------------------------------------------------


@torch.inference_mode()
def bits_per_byte(
    loaded: dict[str, LlamaForCausalLM],
    systems: dict[str, Weights],
    rows: list[Row],
    device: str,
) -> dict[str, float]:
    """Bits per byte of every system: a weighted sum of the logits of loaded models."""
    totals = dict.fromkeys(systems, 0.0)
    for model in loaded.values():
        model.eval()
    for ids, first, _ in rows:
        row = torch.tensor([ids], device=device)
        used = {name for weights in systems.values() for name in weights}
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            hidden = {n: loaded[n].model(row).last_hidden_state[0, first - 1 : -1] for n in used}
        heads = {name: loaded[name].lm_head.weight for name in used}
        logits = {n: functional.linear(h.float(), heads[n]) for n, h in hidden.items()}
        for system, weights in systems.items():
            mixed = sum(weight * logits[n] for n, weight in weights.items())
            loss = functional.cross_entropy(mixed, row[0, first:], reduction="sum")
            totals[system] += loss.item()
    for model in loaded.values():
        model.train()
    scale = math.log(2) * sum(size for _, _, size in rows)
    return {name: total / scale for name, total in totals.items()}


def delta(expert: str, alpha: float = 1.0) -> Weights:
    """The proxy-tuning term of one expert."""
    return {expert: alpha, "antiexpert": -alpha}


def combined(*parts: Weights) -> Weights:
    """The sum of several weighted models."""
    total: Weights = {}
    for part in parts:
        for name, weight in part.items():
            total[name] = total.get(name, 0.0) + weight
    return total


def systems_for(domain: str) -> dict[str, Weights]:
    """What the table compares on one domain."""
    alone = ("base", "antiexpert", domain, f"direct-{domain}", "direct-both")
    systems = {name: {name: 1.0} for name in alone}
    systems["proxy"] = combined(systems["base"], delta(domain))
    systems["proxy-both"] = combined(systems["base"], delta("shakespeare"), delta("arithmetic"))
    return systems


def evaluate(state: Path, items: int | None, device: str) -> None:
    """Print the table for the models there are, in Markdown; keep it in results.json."""
    held = load_prepared(state)["held-out"]
    there = [name for name in (*SHAPES, *TUNED) if (state / "models" / name).exists()]
    loaded = {name: load_exported(state / "models" / name, device) for name in there}
    prose = {name: {name: 1.0} for name in SHAPES}
    results = {"prose": bits_per_byte(loaded, prose, held["prose"], device)}
    for domain in DOMAINS:
        rows = held[domain][:items] if domain == "arithmetic" else held[domain]
        systems = {k: v for k, v in systems_for(domain).items() if v.keys() <= loaded.keys()}
        results[domain] = bits_per_byte(loaded, systems, rows, device)
    (state / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    figures = (results["prose"]["base"], results["prose"]["antiexpert"])
    print("held-out prose: base {:.4f}, anti-expert {:.4f} bits per byte\n".format(*figures))
    print("| | base | anti-expert | expert alone | proxy-tuned | directly tuned | gap closed |")
    print("|---|---|---|---|---|---|---|")
    for domain in DOMAINS:
        print_row(f"{domain}, its own pair", results[domain], domain, "proxy", f"direct-{domain}")
    for domain in DOMAINS:
        print_row(f"{domain}, both pairs", results[domain], domain, "proxy-both", "direct-both")


def print_row(label: str, bits: dict[str, float], expert: str, proxy: str, direct: str) -> None:
    """One row of the table, if all it compares has been trained."""
    if not {expert, proxy, direct} <= bits.keys():
        return
    gap = (bits["base"] - bits[proxy]) / (bits["base"] - bits[direct])
    figures = [bits[name] for name in ("base", "antiexpert", expert, proxy, direct)]
    print(f"| {label} | " + " | ".join(f"{f:.4f}" for f in figures) + f" | {gap:.1%} |")


TASKS = Path(__file__).parent.parent / "tasks"
TASK = """\
# {description} Written by resources/demo/train.py; none of it was trained on.
format = 1
name = "demo-{name}"
description = "{description}"
metric = "bits"
data = "demo-{name}.jsonl"
"""


def write_tasks(state: Path, items: int) -> None:
    """The held-out rows as the tasks of `tuneshift eval` that ship."""
    tokenizer = Tokenizer.from_file(str(state / "tokenizer.json"))
    held = load_prepared(state)["held-out"]
    for name, rows, description in (
        ("plays", held["shakespeare"], "Plays of Shakespeare, read and not written."),
        ("arithmetic", held["arithmetic"][:items], "Answers to sums in words, from GSM8K."),
    ):
        texts = [
            (tokenizer.decode(ids[:first]), tokenizer.decode(ids[first:])) for ids, first, _ in rows
        ]
        lines = [json.dumps({"prompt": prompt, "answer": answer}) for prompt, answer in texts]
        (TASKS / f"demo-{name}.jsonl").write_text("\n".join(lines) + "\n")
        (TASKS / f"demo-{name}.toml").write_text(TASK.format(name=name, description=description))


# --- exporting and sampling -----------------------------------------------------------------


def load_prepared(state: Path) -> dict:
    """What `prepare` wrote."""
    return torch.load(state / "data.pt", weights_only=True)


def load_exported(folder: Path, device: str) -> LlamaForCausalLM:
    """The bfloat16 weights as shipped, widened for measuring."""
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device).eval()


def load_trained(state: Path, name: str) -> LlamaForCausalLM:
    """The finished weights of one model, as trained."""
    model = new_model(TUNED[name][0] if name in TUNED else name)
    model.load_state_dict(torch.load(state / name / "final.pt", weights_only=True)["model"])
    return model


def export(name: str, state: Path, out: Path) -> None:
    """Write a Hugging Face folder, and a copy beside this script for those that ship."""
    model = load_trained(state, name)
    model.generation_config = GenerationConfig(
        eos_token_id=0, do_sample=True, temperature=0.8, top_p=0.95, max_new_tokens=200
    )
    folder = state / "models" / name
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(state / "tokenizer.json"),
        eos_token=EOS,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"  # known to every version
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    (folder / "model.safetensors").chmod(0o644)
    if name in SHIPPED:
        shutil.copytree(folder, out / name, dirs_exist_ok=True)


@torch.inference_mode()
def sample(state: Path, prompt: str, systems: Weights, tokens: int, seed: int) -> str:
    """Continue a prompt at temperature 0.8 and top-p 0.95."""
    tokenizer = Tokenizer.from_file(str(state / "tokenizer.json"))
    loaded = {name: load_exported(state / "models" / name, "cpu") for name in systems}
    ids, generator = tokenizer.encode(prompt).ids, torch.Generator().manual_seed(seed)
    for _ in range(tokens):
        row = torch.tensor([ids[-CONTEXT:]])
        logits = sum(weight * loaded[name](row).logits[0, -1] for name, weight in systems.items())
        values, order = (logits / 0.8).softmax(-1).sort(descending=True)
        values[values.cumsum(0) - values > 0.95] = 0
        token = int(order[torch.multinomial(values, 1, generator=generator)])
        if token == 0:
            break
        ids.append(token)
    return tokenizer.decode(ids)


def parse_alphas(parts: list[str]) -> Weights:
    """`base` plus experts given as name=alpha."""
    pairs = (part.split("=") for part in parts)
    return combined({"base": 1.0}, *(delta(name, float(alpha)) for name, alpha in pairs))


# --- command line ---------------------------------------------------------------------------


def run_pretrain(args: argparse.Namespace, name: str) -> None:
    """Pretrain to the budget asked for, or to the one the shipped checkpoints had."""
    tokens = args.tokens or (math.inf if args.minutes else PRETRAIN_TOKENS[name])
    pretrain(name, args.state, Budget(tokens, args.minutes or math.inf), args.device)


def run_tune(args: argparse.Namespace, name: str) -> None:
    """Tune for the epochs asked for, or for those the shipped checkpoints had."""
    tune(name, args.state, args.epochs or EPOCHS[name], args.device)


def run_all(args: argparse.Namespace) -> None:
    """Every stage in order; a stage that is finished has nothing left to do."""
    prepare(args.data, args.state)
    for name in SHAPES:
        run_pretrain(args, name)
    distill(args.state, args.tokens or DISTILL_TOKENS, args.device)
    for name in TUNED:
        run_tune(args, name)
    for name in (*SHAPES, *TUNED):
        export(name, args.state, args.out)
    evaluate(args.state, args.items, args.device)


def run_sample(args: argparse.Namespace) -> None:
    """Print one continuation."""
    weights = parse_alphas(args.expert)
    print(sample(args.state, args.prompt, weights, args.length, args.seed))


STAGES: dict[str, Callable[[argparse.Namespace], None]] = {
    "all": run_all,
    "prepare": lambda args: prepare(args.data, args.state),
    "pretrain": lambda args: run_pretrain(args, args.name),
    "distill": lambda args: distill(args.state, args.tokens or DISTILL_TOKENS, args.device),
    "tune": lambda args: run_tune(args, args.name),
    "export": lambda args: export(args.name, args.state, args.out),
    "eval": lambda args: evaluate(args.state, args.items, args.device),
    "tasks": lambda args: write_tasks(args.state, args.items or ITEMS),
    "sample": run_sample,
}


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train and measure the demo checkpoints.")
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("name", nargs="?", help="model to pretrain, tune or export")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--state", type=Path, default=Path("build/demo"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--tokens", type=float, help="pretraining budget in tokens")
    parser.add_argument("--minutes", type=float, help="pretraining budget in minutes")
    parser.add_argument("--epochs", type=float, help="passes over the tuning data")
    parser.add_argument("--items", type=int, help="measure the first GSM8K test items only")
    parser.add_argument("--prompt", default="Once upon a time", help="for sample")
    parser.add_argument("--expert", action="append", default=[], help="name=alpha, for sample")
    parser.add_argument("--length", type=int, default=150, help="new tokens, for sample")
    parser.add_argument("--seed", type=int, default=1, help="for sample")
    return parser.parse_args()


def main() -> None:
    """Run one stage or all of them."""
    args = parse_args()
    torch.set_num_threads(args.threads)
    STAGES[args.stage](args)


if __name__ == "__main__":
    main()
