"""A captured step never asks the device for a value: every kind of step under fake tensors.

A CUDA graph cannot hold a value that the host waits for, or a shape that depends on a value. Fake
tensors have shapes and no values, so whatever asks for one fails with an error of torch, also under
``inference_mode``. They take no memory, so models can have the sizes that people load.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from transformers import AutoModelForCausalLM, LlamaConfig, PretrainedConfig, Qwen2Config

from app.decoding.capturing import Action, Computation, uncaptured
from app.decoding.combining import Pair
from app.decoding.fused_step import FusedSteps
from app.decoding.graphs import GraphedLanguageModel, why_not_captured
from app.decoding.row_reduction import RowReduction
from app.decoding.sampling_inputs import SamplingInputs
from app.decoding.step_sizes import SIZES
from app.decoding.types import GenerationConfig
from tests import tiny

GREEDY = GenerationConfig(temperature=0.0)
SAMPLED = GenerationConfig(temperature=0.7, top_k=40, top_p=0.9, min_p=0.02, repetition_penalty=1.2)
CAPTURED = [name for name in tiny.ARCHITECTURES if not why_not_captured(tiny.make_model(name, 0))]
HELD = 100
"""Tokens in the KV caches before the step."""


class StepComputedError(Exception):
    """The step was computed to its end."""


def compute_and_stop(compute: Computation, parts: int = 1) -> Action:
    """Compute a step as it is captured, without what the host does with its result."""

    def run() -> None:
        uncaptured(compute, parts)()
        raise StepComputedError

    return run


def check_step(
    models: Sequence[Any],
    size: int,
    config: GenerationConfig,
    precomputed: Sequence[int] = (),
    inside: Callable[[Tensor], object] = lambda logits: None,
) -> None:
    """Compute one step of a base and one pair; ``inside`` is called with logits within it."""
    graphed = [GraphedLanguageModel(model, capture=compute_and_stop) for model in models]
    forward = graphed[-1].forward_at

    def watched(tokens: Tensor, positions: Tensor, attended: int) -> Tensor:
        logits = forward(tokens, positions, attended)
        inside(logits)
        return logits

    graphed[-1].forward_at = watched  # type: ignore[method-assign]
    for model in graphed:
        model.length = HELD
    vocabulary = graphed[0].vocabulary_size
    masked = torch.zeros(vocabulary, dtype=torch.bool)
    pairs = (Pair("pair", 1, 2),)
    steps = FusedSteps(graphed, pairs, vocabulary, masked)
    reduction = RowReduction(3, vocabulary, pairs, ((False,), (True,)), 50, 24)
    rows = {place: torch.zeros(size, vocabulary) for place in precomputed}
    sampling = SamplingInputs(0, config, (1.0,), np.arange(4), reduction)
    with pytest.raises(StepComputedError):
        steps.read([1] * size, rows, sampling)


@pytest.mark.slow
@pytest.mark.parametrize("config", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("architecture", CAPTURED)
def test_every_kind_of_step_of_every_captured_architecture(
    architecture: str, config: GenerationConfig
) -> None:
    with FakeTensorMode(), torch.inference_mode():
        models = [tiny.make_model(architecture, seed) for seed in range(3)]
        for size, precomputed in ((1, ()), (SIZES[-1], ()), (2, (0,)), (3, (1,))):
            check_step(models, size, config, precomputed)


def llama(width: int, feed_forward: int, layers: int, heads: int) -> PretrainedConfig:
    return LlamaConfig(
        hidden_size=width,
        intermediate_size=feed_forward,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        vocab_size=32_000,
    )


def qwen(width: int, feed_forward: int, layers: int, heads: tuple[int, int]) -> PretrainedConfig:
    return Qwen2Config(
        hidden_size=width,
        intermediate_size=feed_forward,
        num_hidden_layers=layers,
        num_attention_heads=heads[0],
        num_key_value_heads=heads[1],
        vocab_size=151_936,
    )


SHAPES = {
    "Llama 2 13B, 7B, 7B": [llama(5120, 13_824, 40, 40), *[llama(4096, 11_008, 32, 32)] * 2],
    "Qwen2.5 32B, 1.5B, 1.5B": [
        qwen(5120, 27_648, 64, (40, 8)),
        *[qwen(1536, 8960, 28, (12, 2))] * 2,
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_steps_of_models_of_the_sizes_that_people_load(shape: str) -> None:
    with FakeTensorMode(), torch.inference_mode():
        models = [
            AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
            for config in SHAPES[shape]
        ]
        check_step(models, 9, SAMPLED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inside", "error"),
    [
        (lambda logits: logits.sum().item(), DataDependentOutputException),
        (lambda logits: bool(logits.sum() > 0), DataDependentOutputException),
        (lambda logits: int(logits.argmax()), DataDependentOutputException),
        (lambda logits: logits[0, :2].tolist(), DataDependentOutputException),
        (lambda logits: logits[logits > 0], DynamicOutputShapeException),
        (lambda logits: logits.nonzero(), DynamicOutputShapeException),
    ],
    ids=["item", "bool", "int", "tolist", "boolean mask", "nonzero"],
)
def test_whatever_asks_for_a_value_is_found(
    inside: Callable[[Tensor], object], error: type[Exception]
) -> None:
    with FakeTensorMode(), torch.inference_mode(), pytest.raises(error):
        check_step([tiny.make_model("llama", seed) for seed in range(3)], 1, GREEDY, inside=inside)
