"""The ways of generating that the benchmark compares; each generates and times one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.generation.streamers import BaseStreamer

from app.benchmark.setup import Setup
from app.checkpoints.formats.transformers_log import quiet
from app.decoding.combining import combine_logits
from app.decoding.decode import decode
from app.decoding.ensemble import Ensemble
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.sampling import process_logits
from app.decoding.speculation_stats import DraftCounts
from app.decoding.speculative import Speculator


@dataclass(frozen=True, slots=True)
class Run:
    """One timed run.

    Attributes:
        ids: The generated token ids.
        first: Seconds to the first token, including prefill.
        rest: Seconds for all tokens after the first.
        drafts: Draft counts; None without speculative decoding.
    """

    ids: tuple[int, ...]
    first: float
    rest: float
    drafts: DraftCounts | None = None

    @property
    def rate(self) -> float:
        """Tokens per second after the first token."""
        return (len(self.ids) - 1) / self.rest


Way = Callable[[], Run]

REFERENCE = "plain loop of forwards"
PLAIN = "Tuneshift, one by one"
SPECULATIVE = "Tuneshift, with drafts"
UNCAPTURED = "Tuneshift, without captured steps"
ALONE = "the base alone, plain loop"
ALONE_HERE = "the base alone, Tuneshift"
ASSISTED = "the base alone, transformers' drafts"
"""Assisted generation of transformers, with the first expert as the assistant."""


def ways(setup: Setup) -> dict[str, Way]:
    """The ways to compare, by name; the first is the reference.

    Without the plain loop, which transformers alone can run, it is Tuneshift one by one. Where
    steps are captured, they are compared with the same steps uncaptured.
    """
    alone = setup.ensemble.only(0)
    speculator = Speculator()  # shared, so that later runs use its measured costs
    ours: dict[str, Way] = {
        PLAIN: lambda: _decoded(setup, setup.ensemble, setup.alphas),
        SPECULATIVE: lambda: _decoded(setup, setup.ensemble, setup.alphas, speculator),
        ALONE_HERE: lambda: _decoded(setup, alone, ()),
    }
    if not setup.originals:
        return ours
    found = {
        REFERENCE: lambda: _timed(setup, loop(setup, setup.originals)),
        PLAIN: ours[PLAIN],
        SPECULATIVE: ours[SPECULATIVE],
        ALONE: lambda: _timed(setup, loop(setup, setup.originals[:1])),
        ALONE_HERE: ours[ALONE_HERE],
    }
    if (assistant := _assistant(setup)) is not None:
        found[ASSISTED] = lambda: _assisted(setup, assistant)
    models = setup.language_models
    if any(isinstance(model, GraphedLanguageModel) for model in models):
        plain = [TransformersLanguageModel(model.model, model.context_length) for model in models]
        uncaptured = Ensemble(plain, setup.ensemble.names, setup.ensemble.pairs)
        found[UNCAPTURED] = lambda: _decoded(setup, uncaptured, setup.alphas)
    return found


def _assistant(setup: Setup) -> PreTrainedModel | None:
    """The first expert, if transformers can draft with it: a model with the base's vocabulary."""
    if not setup.ensemble.pairs:
        return None
    base, expert = setup.originals[0], setup.originals[setup.ensemble.pairs[0].expert]
    sizes = {model.config.get_text_config().vocab_size for model in (base, expert)}
    usable = len(sizes) == 1 and base.can_generate() and expert.can_generate()
    return expert if usable and expert is not base else None


class _Arrivals(BaseStreamer):
    """Notes when ``generate`` announces tokens; the prompt comes first."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: Tensor) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        pass


def _assisted(setup: Setup, assistant: PreTrainedModel) -> Run:
    config, arrivals = setup.config, _Arrivals()
    prompt = torch.tensor([setup.prompts[0]], device=setup.device)
    sampling = {"temperature": config.temperature} if config.temperature else {}
    base: Any = setup.originals[0]
    synchronize(setup.device)
    started = time.perf_counter()
    with quiet():  # it warns of arguments that it passes to itself
        found = base.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            assistant_model=assistant,
            streamer=arrivals,
            do_sample=bool(sampling),
            max_new_tokens=config.max_new_tokens,
            min_new_tokens=config.max_new_tokens,
            pad_token_id=0,
            **sampling,
        )
    synchronize(setup.device)
    ended, first = time.perf_counter(), arrivals.times[1]
    return Run(tuple(found[0, prompt.shape[1] :].tolist()), first - started, ended - first)


def loop(setup: Setup, models: Sequence[PreTrainedModel]) -> Iterator[int]:
    """The reference loop: the models one after the other, as in the code of Liu et al.

    Each model has a ``DynamicCache``.
    """
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
        fresh=True,
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
    """Wait until the device has finished all its work."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
