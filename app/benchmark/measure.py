"""The benchmark: runs every way of generating in turn, several times, and reports medians."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

import torch
from transformers import DynamicCache, PreTrainedModel

from app.attribution.step_attribution import attribute_step
from app.benchmark.block_costs import BlockCost, Expected, expected
from app.benchmark.conversation_times import ConversationTimes, measure_conversation
from app.benchmark.first_token_times import FirstTokenTime, time_first_token
from app.benchmark.hardware import bandwidth, bytes_per_token, peak_memory
from app.benchmark.setup import Setup
from app.benchmark.token_costs import PAIRS, TokenCost, time_token
from app.benchmark.ways import PLAIN, Run, Way, synchronize, ways
from app.checkpoints.proof.proof_report import Proof
from app.decoding.capture_stats import NO_CAPTURES, CaptureStats
from app.decoding.combining import Pair
from app.decoding.decode import decode
from app.decoding.ensemble import Ensemble
from app.decoding.graphs import GraphedLanguageModel, why_not_captured
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.speculation_stats import DraftCounts
from app.decoding.step_sizes import PREFILL_CHUNK
from app.errors import SettingsError

_STEPS = 8
"""Timed steps for each context length, number of pairs and block size."""


@dataclass(frozen=True, slots=True)
class WayResult:
    """Medians over the repeats of one way of generating.

    Attributes:
        name: The name of the way.
        rate: Tokens per second after the first token.
        first: Seconds to the first token.
        ratio: Median of the rate divided by the rate of the reference in the same repeat.
        drafts: Draft counts of all repeats; None without speculative decoding.
        same: Number of leading tokens that agree with plain decoding; the minimum of the repeats.
    """

    name: str
    rate: float
    first: float
    ratio: float
    drafts: DraftCounts | None
    same: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Median seconds of a step at one size: a context length, or a number of pairs."""

    size: int
    plain: float
    reference: float | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a benchmark.

    Attributes:
        title: The recipe's name, or the sizes of the models.
        device: The device of the base.
        threads: The number of torch's threads.
        tokens: The number of generated tokens of each run.
        repeats: The number of runs of each way.
        prompt: The number of tokens of the base's prompt.
        ways: The result of each way, the reference first.
        bytes_per_token: Bytes that plain decoding reads for the token in the middle of a run.
        bandwidth: Memory bandwidth in bytes per second.
        overhead: Seconds of a step outside the models.
        packed: Bytes of packed weights.
        peak_memory: Peak memory in bytes.
        not_captured: On CUDA, the models whose steps are not captured as graphs, with the reason.
        captures: Captured steps, and what their comparison with uncaptured steps found.
        contexts: Cost of a step by context length.
        pairs: Cost of a step by number of pairs.
        blocks: Cost of a block of tokens by block size, for each model context.
        expected: The expected speedup by drafts of the first expert, computed from ``blocks``.
        proofs: The proof of each role.
        conversation: Time to the first token at the end of a conversation.
        first_tokens: Time to the first token by the length of the text.
        token_costs: Processor time a token outside the models, by vocabulary.
    """

    title: str
    device: str
    threads: int
    tokens: int
    repeats: int
    prompt: int
    ways: tuple[WayResult, ...]
    bytes_per_token: int
    bandwidth: float
    overhead: float
    packed: int
    peak_memory: int
    not_captured: tuple[tuple[str, str], ...] = ()
    captures: CaptureStats = NO_CAPTURES
    contexts: tuple[Cost, ...] = field(default=())
    pairs: tuple[Cost, ...] = field(default=())
    blocks: tuple[BlockCost, ...] = field(default=())
    expected: tuple[Expected, ...] = field(default=())
    proofs: tuple[tuple[str, Proof], ...] = ()
    conversation: ConversationTimes | None = None
    first_tokens: tuple[FirstTokenTime, ...] = ()
    token_costs: tuple[TokenCost, ...] = ()

    @property
    def share_of_bandwidth(self) -> float:
        """The share of the memory bandwidth that plain decoding uses."""
        plain = next(way for way in self.ways if way.name == PLAIN)
        return plain.rate * self.bytes_per_token / self.bandwidth


def measure(
    setup: Setup,
    repeats: int,
    contexts: Sequence[int] = (),
    pairs: Sequence[int] = (),
    blocks: Sequence[int] = (),
    turns: int = 0,
    on_progress: Callable[[str], None] = lambda what: None,
    *,
    prompts: Sequence[int] = (),
    vocabularies: Sequence[int] = (),
) -> Results:
    """Run the benchmark.

    Args:
        setup: The models, with prompts and settings.
        repeats: The number of runs of each way, after one run to warm up.
        contexts: Context lengths at which to time a step.
        pairs: Numbers of pairs with which to time a step.
        blocks: Block sizes to time for each model context.
        turns: Turns of a conversation at whose end the first token is timed; 0 for none.
        on_progress: Called with a description of each measurement.
        prompts: Lengths of texts whose first token is timed, read anew and continued.
        vocabularies: Numbers of token ids at which the work outside the models is timed.

    Raises:
        SettingsError: The context length of a model is too small.
    """
    tokens = setup.config.max_new_tokens
    _check_room(
        setup, max(len(setup.prompts[0]) + tokens, *contexts, *(size + 1 for size in prompts), 0)
    )
    with torch.inference_mode():
        runs = _in_turn(ways(setup), repeats, on_progress)
        costs = tuple(_of_blocks(setup, blocks, on_progress))
        on_progress("overhead and memory")
        return Results(
            title=setup.title,
            device=setup.device_name,
            threads=torch.get_num_threads(),
            tokens=tokens,
            repeats=repeats,
            prompt=len(setup.prompts[0]),
            ways=tuple(_medians(name, runs) for name in runs),
            bytes_per_token=bytes_per_token(setup, len(setup.prompts[0]) + tokens // 2),
            bandwidth=bandwidth(setup.device),
            overhead=_overhead(setup),
            packed=setup.packed,
            proofs=setup.proofs,
            contexts=tuple(_at_context(setup, size, on_progress) for size in contexts),
            pairs=tuple(_with_pairs(setup, size, on_progress) for size in pairs),
            blocks=costs,
            conversation=measure_conversation(setup, turns, repeats, on_progress)
            if turns
            else None,
            first_tokens=tuple(
                time_first_token(setup, size, repeats, on_progress) for size in prompts
            ),
            token_costs=tuple(
                time_token(size, count, repeats, on_progress)
                for size in vocabularies
                for count in PAIRS
            ),
            expected=expected(costs, setup.ensemble.pairs[0].expert) if costs else (),
            peak_memory=peak_memory(setup.device),
            not_captured=tuple(_not_captured(setup)) if setup.device.type == "cuda" else (),
            captures=setup.ensemble.capture_stats,
        )


def _check_room(setup: Setup, wanted: int) -> None:
    limits = [model.context_length for model in setup.ensemble.models]
    shortest = min((limit for limit in limits if limit is not None), default=wanted)
    if wanted > shortest:
        raise SettingsError(
            "The models cannot read that many tokens",
            evidence=f"{wanted:,} asked for, {shortest:,} is the shortest context",
            next_step="Ask for fewer tokens or a shorter context.",
        )


def _in_turn(
    all_ways: dict[str, Way], repeats: int, on_progress: Callable[[str], None]
) -> dict[str, list[Run]]:
    """Run all ways in turn, beginning with another way in each repeat, after a warm-up round."""
    runs: dict[str, list[Run]] = {name: [] for name in all_ways}
    names = list(all_ways)
    for repeat in range(repeats + 1):
        turn = repeat % len(names)
        for name in names[turn:] + names[:turn]:
            on_progress(f"{name}, {repeat} of {repeats}" if repeat else f"{name}, warming up")
            run = all_ways[name]()
            if repeat:
                runs[name].append(run)
    return runs


def _medians(name: str, runs: dict[str, list[Run]]) -> WayResult:
    mine = runs[name]
    ratios = [
        run.rate / other.rate for run, other in zip(mine, next(iter(runs.values())), strict=True)
    ]
    drafts = [run.drafts for run in mine if run.drafts is not None]
    return WayResult(
        name=name,
        rate=median(run.rate for run in mine),
        first=median(run.first for run in mine),
        ratio=median(ratios),
        drafts=sum(drafts, DraftCounts()) if drafts else None,
        same=min(_common(run.ids, runs[PLAIN][0].ids) for run in mine),
    )


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(left), len(right)))


def _not_captured(setup: Setup) -> Iterator[tuple[str, str]]:
    for name, model in zip(setup.ensemble.names, setup.ensemble.models, strict=True):
        if isinstance(model, GraphedLanguageModel):
            reason = model.not_captured
        elif isinstance(model, TransformersLanguageModel):
            reason = why_not_captured(model.model)
        else:
            reason = "llama.cpp computes it"
        if reason:
            yield name, reason
    if setup.ensemble.not_captured:
        yield "ensemble as a whole", setup.ensemble.not_captured


class _Watched:
    """A language model that adds up the seconds of its forward passes."""

    def __init__(self, model: LanguageModel, device: torch.device) -> None:
        self._model = model
        self._device = device
        self.seconds = 0.0
        self.length = model.length
        self.context_length = model.context_length
        self.vocabulary_size = model.vocabulary_size

    @property
    def can_rewind(self) -> bool:
        return self._model.can_rewind

    def extend(self, tokens: torch.Tensor, last: int = 1) -> torch.Tensor:
        synchronize(self._device)
        started = time.perf_counter()
        logits = self._model.extend(tokens, last)
        synchronize(self._device)
        self.seconds += time.perf_counter() - started
        self.length = self._model.length
        return logits

    def rewind(self, length: int) -> None:
        self._model.rewind(length)
        self.length = length


def _overhead(setup: Setup) -> float:
    """Seconds of a step outside the models: combining, sampling, copying, attribution, text."""
    watched = [_Watched(model, setup.device) for model in setup.ensemble.models]
    steps = decode(
        Ensemble(watched, setup.ensemble.names, setup.ensemble.pairs),
        setup.prompts,
        setup.config,
        detokenizer=setup.detokenizer(),
        eos_ids=(),
        alphas=lambda: setup.alphas,
    )
    next(steps)
    outside = []
    inside, started = sum(model.seconds for model in watched), time.perf_counter()
    for step in steps:
        attribute_step(step)
        now, total = time.perf_counter(), sum(model.seconds for model in watched)
        outside.append(now - started - (total - inside))
        inside, started = total, now
    return median(outside)


def _at_context(setup: Setup, size: int, on_progress: Callable[[str], None]) -> Cost:
    on_progress(f"context of {size:,} tokens")
    ids = setup.prompts[0]
    text = (ids * (size // len(ids) + 1))[: size - _STEPS]
    setup.ensemble.prefill([text] * len(setup.ensemble.names))
    plain = _steps(setup, lambda: setup.ensemble.extend([text[0]]))
    setup.ensemble.prefill([text[:1]] * len(setup.ensemble.names))  # frees the long KV caches
    return Cost(size, plain, _reference_step(setup, setup.originals, text))


def _reference_step(
    setup: Setup, models: Sequence[PreTrainedModel], text: Sequence[int]
) -> float | None:
    """Seconds of a step of the plain loop over ``models`` after ``text``; None without models."""
    if not models:
        return None
    both = [(model, DynamicCache(config=model.config)) for model in models]
    for chunk in torch.tensor([text], device=setup.device).split(PREFILL_CHUNK, 1):
        for model, cache in both:
            model(input_ids=chunk, past_key_values=cache, use_cache=True, logits_to_keep=1)
    token = torch.tensor([text[:1]], device=setup.device)

    def step() -> None:
        for model, cache in both:
            model(input_ids=token, past_key_values=cache, use_cache=True)

    return _steps(setup, step)


def _with_pairs(setup: Setup, count: int, on_progress: Callable[[str], None]) -> Cost:
    """The cost of a step with ``count`` copies of the first pair, each with its own KV caches."""
    on_progress(f"{count} pairs")
    first = setup.ensemble.pairs[0]
    base, expert, antiexpert = (
        setup.ensemble.models[place] for place in (0, first.expert, first.antiexpert)
    )
    models = [_with_own_cache(model) for model in (base, *(expert, antiexpert) * count)]
    pairs = [Pair(str(place), 2 * place + 1, 2 * place + 2) for place in range(count)]
    ensemble = Ensemble(models, [str(place) for place in range(len(models))], pairs)
    ensemble.prefill([setup.prompts[0]] * len(models))
    plain = _steps(setup, lambda: ensemble.extend([setup.prompts[0][0]]))
    originals = setup.originals and [
        setup.originals[place] for place in (0, *(first.expert, first.antiexpert) * count)
    ]
    return Cost(count, plain, _reference_step(setup, originals, setup.prompts[0]))


def _with_own_cache(model: LanguageModel) -> LanguageModel:
    """Another language model over the weights of ``model``."""
    if isinstance(model, LlamaCppLanguageModel):
        return model.another()
    assert isinstance(model, TransformersLanguageModel)
    return type(model)(model.model)


def _of_blocks(
    setup: Setup, sizes: Sequence[int], on_progress: Callable[[str], None]
) -> Iterator[BlockCost]:
    """The times of blocks after the prompt, for every model context alone."""
    if sizes:
        setup.ensemble.prefill(setup.prompts)
    alone = [setup.ensemble.only(place) for place in range(len(setup.ensemble.names))]
    for size in sizes:
        on_progress(f"blocks of {size}")
        block = (list(setup.prompts[0]) * size)[:size]
        yield BlockCost(size, tuple(_block(setup, one, block) for one in alone))


def _block(setup: Setup, alone: Ensemble, block: Sequence[int]) -> float:
    held = alone.length

    def read() -> None:
        alone.extend(block, last=len(block))
        alone.rewind(held)

    read()  # warm-up: libraries prepare kernels for each block size
    return _steps(setup, read)


def _steps(setup: Setup, step: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_STEPS):
        synchronize(setup.device)
        started = time.perf_counter()
        step()
        synchronize(setup.device)
        seconds.append(time.perf_counter() - started)
    return median(seconds)
