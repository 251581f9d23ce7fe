"""The ways of generating that the benchmark compares; each generates one text and times it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from app.benchmark.setup import Setup
from app.decoding.combining import combine_logits
from app.decoding.decode import decode
from app.decoding.ensemble import Ensemble
from app.decoding.sampling import process_logits
from app.decoding.speculation_stats import DraftCounts
from app.decoding.speculative import Speculator


@dataclass(frozen=True, slots=True)
class Run:
    """One text.

    Attributes:
        ids: Its tokens.
        first: Seconds until its first token, the prompts included.
        rest: Seconds for all tokens after it.
        drafts: What was drafted, in speculative decoding.
    """

    ids: tuple[int, ...]
    first: float
    rest: float
    drafts: DraftCounts | None = None

    @property
    def rate(self) -> float:
        """Tokens per second after the first."""
        return (len(self.ids) - 1) / self.rest


Way = Callable[[], Run]

REFERENCE = "plain loop of forwards"
PLAIN = "Tuneshift, one by one"
SPECULATIVE = "Tuneshift, with drafts"
ALONE = "the base alone, plain loop"
ALONE_HERE = "the base alone, Tuneshift"


def ways(setup: Setup) -> dict[str, Way]:
    """What is compared, by name; the first is what the others are measured against."""
    alone = setup.ensemble.only(0)
    speculator = Speculator()  # what it learns serves the runs after
    return {
        REFERENCE: lambda: _timed(setup, loop(setup, setup.originals)),
        PLAIN: lambda: _decoded(setup, setup.ensemble, setup.alphas),
        SPECULATIVE: lambda: _decoded(setup, setup.ensemble, setup.alphas, speculator),
        ALONE: lambda: _timed(setup, loop(setup, setup.originals[:1])),
        ALONE_HERE: lambda: _decoded(setup, alone, ()),
    }


def loop(setup: Setup, models: Sequence[PreTrainedModel]) -> Iterator[int]:
    """The models in turn, each with a dynamic cache, as the code of Liu et al. does it."""
    config = setup.config
    tokens = [torch.tensor([prompt], device=setup.device) for prompt in setup.prompts]
    caches = [DynamicCache(config=model.config) for model in models]
    history = list(setup.prompts[0])
    for index in range(config.max_new_tokens):
        rows = [
            _last_row(model, cache, read)
            for model, cache, read in zip(models, caches, tokens, strict=False)
        ]
        tuned = _combined(setup, rows).cpu().numpy()
        token_id, _ = process_logits(tuned, np.array(history), config).sample(config.seed, index)
        yield token_id
        history.append(token_id)
        tokens = [torch.tensor([[token_id]], device=setup.device)] * len(models)


def _last_row(model: PreTrainedModel, cache: DynamicCache, tokens: Tensor) -> Tensor:
    output: Any = model(input_ids=tokens, past_key_values=cache, use_cache=True)
    row: Tensor = output.logits[0, -1].float()
    return row


def _combined(setup: Setup, rows: Sequence[Tensor]) -> Tensor:
    if len(rows) == 1:
        return rows[0]
    size = rows[0].shape[0]
    padded = [torch.nn.functional.pad(row, (0, size - row.shape[0])) for row in rows]
    pairs = setup.ensemble.pairs
    differences = torch.stack([padded[pair.expert] - padded[pair.antiexpert] for pair in pairs])
    return combine_logits(padded[0], differences, torch.tensor(setup.alphas))


def _decoded(
    setup: Setup,
    ensemble: Ensemble,
    alphas: tuple[float, ...],
    speculator: Speculator | None = None,
) -> Run:
    steps = decode(
        ensemble,
        setup.prompts[: len(ensemble.names)],
        setup.config,
        detokenizer=setup.detokenizer(),
        eos_ids=(),
        alphas=lambda: alphas,
        speculator=speculator,
    )
    drafts = None if speculator is None else (lambda: speculator.stats.total)
    return _timed(setup, (step.token_id for step in steps), drafts)


def _timed(
    setup: Setup, tokens: Iterator[int], drafts: Callable[[], DraftCounts] | None = None
) -> Run:
    synchronize(setup.device)
    started = time.perf_counter()
    ids = [next(tokens)]
    first = time.perf_counter()
    ids += tokens
    synchronize(setup.device)
    ended = time.perf_counter()
    return Run(tuple(ids), first - started, ended - first, drafts() if drafts else None)


def synchronize(device: torch.device) -> None:
    """Wait for what the device has been given."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
