"""Captures that give stale results without an error are found at their first replay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from app.decoding.block_sampling import SETTINGS
from app.decoding.capturing import Action, Computation, uncaptured
from app.decoding.checked_step import difference_of_rows
from app.decoding.combining import Pair
from app.decoding.fused_step import FusedSteps
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.sampling_inputs import SamplingInputs
from app.decoding.speculative import Speculator
from app.decoding.types import GenerationConfig
from tests import tiny
from tests.decoding.test_fused_step import Both
from tests.decoding.texts import GREEDY, SAMPLED, BaseClock

EVERYTHING = GenerationConfig(
    temperature=0.7, top_k=40, top_p=0.9, min_p=0.02, repetition_penalty=1.2
)
INPUTS = ("tokens", "positions", "alphas", "precomputed", "keys", "seen", *SETTINGS)


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def stale(*names: str, when: Callable[[Any], bool] = lambda step: True) -> Any:
    """A capture whose replays have the inputs ``names`` of the time when it was captured."""

    def capture(compute: Computation, parts: int = 1) -> Action:
        step: Any = compute.__self__  # type: ignore[attr-defined]
        inputs = step._inputs.device
        held = {name: inputs[name].clone() for name in names if name in inputs and when(step)}

        def run() -> None:
            now = {name: inputs[name].clone() for name in held}
            for name, tensor in held.items():
                inputs[name].copy_(tensor)
            uncaptured(compute, parts)()
            for name, tensor in now.items():
                inputs[name].copy_(tensor)

        return run

    return capture


def read_once(capture: Any, config: GenerationConfig) -> FusedSteps:
    """Read a block of two tokens, which one role has read before."""
    models = [
        GraphedLanguageModel(tiny.make_model("llama", seed), capture=capture) for seed in range(3)
    ]
    for model in models:
        model.extend(torch.tensor([5, 6, 7]))
    steps = FusedSteps(models, [Pair("pair", 1, 2)], tiny.VOCABULARY, None)
    sampling = SamplingInputs(1, config, (1.0,), np.array([5, 6, 7, 9]))
    steps.read([9, 4], {0: torch.randn(2, tiny.VOCABULARY)}, sampling)
    return steps


@pytest.mark.slow
@pytest.mark.parametrize("name", INPUTS)
def test_each_input_that_is_a_constant_of_the_capture_is_found(name: str) -> None:
    steps = read_once(stale(name), EVERYTHING)
    assert len(steps.captures.stats.differing) == 1
    assert (
        "fused steps of 2 tokens that attend to 768, one role has read them"
        in steps.captures.stats.differing[0]
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tokens", "positions", "alphas"])
def test_stale_inputs_of_greedy_steps_are_found(name: str) -> None:
    assert len(read_once(stale(name), GREEDY).captures.stats.differing) == 1


@pytest.mark.slow
@pytest.mark.parametrize("config", [GREEDY, SAMPLED, EVERYTHING])
def test_what_does_not_differ_is_captured(config: GenerationConfig) -> None:
    steps = read_once(uncaptured, config)
    assert steps.captures.stats.differing == ()
    assert steps.captures.stats.captured == 1
    assert steps.captures.stats.seconds > 0


@pytest.mark.slow
def test_a_kind_of_step_that_differs_runs_uncaptured_and_the_others_captured(
    caplog: pytest.LogCaptureFixture,
) -> None:
    both = Both(capture=stale("tokens", when=lambda step: step._key.size == 3))
    speculator = Speculator(clock=BaseClock(both.whole))
    config = replace(EVERYTHING, max_new_tokens=24)
    with caplog.at_level(logging.WARNING):
        for seed in range(3):
            both.assert_same(replace(config, seed=seed), speculator)
            both.assert_same(replace(config, seed=seed))
    assert speculator.stats.total.blocks
    fused = both.whole._fused
    assert fused is not None
    assert {key.size for key in fused.captures._differing} == {3}  # type: ignore[attr-defined]
    assert both.whole.capture_stats.differing[:1] == fused.captures.stats.differing[:1]
    assert 1 < len(fused.captures.stats.differing) + 1 < fused.captures.stats.captured
    assert "a captured step differs from the uncaptured one: fused steps of 3" in caplog.text
    fused.release()  # also where they would be captured again
    both.assert_same(config, speculator)
    assert {key.size for key in fused.captures._differing} == {3}  # type: ignore[attr-defined]


@pytest.mark.slow
def test_steps_of_one_model_are_compared_as_well() -> None:
    def stale_tokens(compute: Computation, parts: int = 1) -> Action:
        step: Any = compute.__self__  # type: ignore[attr-defined]
        held = step._tokens.clone()

        def run() -> None:
            now = step._tokens.clone()
            step._tokens.copy_(held)
            uncaptured(compute, parts)()
            step._tokens.copy_(now)

        return run

    model = tiny.make_model("llama", 1)
    plain = TransformersLanguageModel(model)
    for capture, differing in ((stale_tokens, 1), (uncaptured, 0)):
        read = GraphedLanguageModel(model, capture=capture)
        plain.rewind(0)
        for block in ([5, 6, 7], [8], [9], [3]):
            rows = [each.extend(torch.tensor(block)) for each in (read, plain)]
            torch.testing.assert_close(*rows, atol=1e-4, rtol=0)
        assert len(read.captures.stats.differing) == differing


@pytest.mark.slow
def test_a_step_that_ends_the_context_is_not_captured() -> None:
    """It has no other positions to be captured with."""
    read = GraphedLanguageModel(tiny.make_model("llama", 1), 8, capture=uncaptured)
    read.extend(torch.tensor([1, 2, 3, 4, 5, 6, 7]))
    read.extend(torch.tensor([8]))
    assert read.captures.stats.captured == 0
    read.rewind(6)
    read.extend(torch.tensor([8]))
    assert read.captures.stats.captured == 1


def test_rounding_is_no_difference() -> None:
    rows = torch.randn(2, 50, generator=torch.Generator().manual_seed(0)) * 4
    rows[:, 7] = float("-inf")
    unlikely = rows.clone()
    unlikely[:, rows[0].argsort()[1]] -= 3.0
    assert difference_of_rows(rows, rows + 3.0, torch.float32) == ""
    assert difference_of_rows(unlikely, rows, torch.float32) == ""
    assert "differs by 0.0" in difference_of_rows(rows * 1.01, rows, torch.float32)
    assert difference_of_rows(rows * 1.01, rows, torch.bfloat16) == ""
    assert "differs by" in difference_of_rows(rows.flip(-1), rows, torch.bfloat16)
    assert "nan" in difference_of_rows(rows * float("nan"), rows, torch.bfloat16)
    assert difference_of_rows(rows, rows * float("nan"), torch.float32) == ""
