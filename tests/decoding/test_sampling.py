"""Processors against those of transformers; draws against the exact distribution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from app.decoding.sampling import apply_top_p, draw, exponential_noise, process_logits
from app.decoding.types import GenerationConfig

VOCABULARY = 40


def reference(
    logits: torch.Tensor, history: torch.Tensor, config: GenerationConfig
) -> torch.Tensor:
    """What transformers' generate would do."""
    processors = LogitsProcessorList()
    if config.repetition_penalty != 1.0:
        processors.append(RepetitionPenaltyLogitsProcessor(config.repetition_penalty))
    if config.temperature != 1.0:
        processors.append(TemperatureLogitsWarper(config.temperature))
    if config.top_k:
        processors.append(TopKLogitsWarper(config.top_k))
    if config.top_p < 1.0:
        processors.append(TopPLogitsWarper(config.top_p))
    if config.min_p > 0.0:
        processors.append(MinPLogitsWarper(config.min_p))
    return processors(history[None], logits[None])[0]


configs = st.builds(
    GenerationConfig,
    temperature=st.sampled_from([0.3, 0.8, 1.0, 1.7]),
    top_k=st.sampled_from([0, 1, 5, 39, 100]),
    top_p=st.sampled_from([0.1, 0.5, 0.9, 0.99, 1.0]),
    min_p=st.sampled_from([0.0, 0.05, 0.5]),
    repetition_penalty=st.sampled_from([0.8, 1.0, 1.3]),
)


@given(config=configs, seed=st.integers(0, 10_000), length=st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_processors_equal_those_of_transformers(
    config: GenerationConfig, seed: int, length: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(VOCABULARY, generator=generator) * 3
    history = torch.randint(VOCABULARY, (length,), generator=generator)
    torch.testing.assert_close(
        process_logits(logits, history, config), reference(logits, history, config)
    )


def test_top_p_looks_beyond_its_first_guess() -> None:
    """A flat distribution over more tokens than are looked at first."""
    scores = torch.randn(5000, generator=torch.Generator().manual_seed(1)) * 0.01
    expected = TopPLogitsWarper(0.9)(torch.zeros(1, 1), scores[None])[0]
    torch.testing.assert_close(apply_top_p(scores, 0.9), expected)


def test_masked_ids_stay_masked() -> None:
    logits = torch.randn(VOCABULARY)
    logits[::2] = float("-inf")
    config = GenerationConfig(temperature=2.0, top_p=0.99, repetition_penalty=1.5, min_p=0.01)
    scores = process_logits(logits, torch.arange(VOCABULARY), config)
    assert torch.isneginf(scores[::2]).all()
    assert all(draw(scores, config, position)[0] % 2 for position in range(200))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.7},
        {"top_k": 6},
        {"top_p": 0.8},
        {"min_p": 0.1},
        {"repetition_penalty": 1.5},
        {"temperature": 1.3, "top_k": 12, "top_p": 0.9, "min_p": 0.02},
    ],
)
def test_frequencies_follow_the_distribution(options: dict[str, float]) -> None:
    config = GenerationConfig(**{"temperature": 1.0, "top_p": 1.0, **options})  # type: ignore[arg-type]
    logits = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(3)) * 1.5
    scores = process_logits(logits, torch.tensor([1, 5, 5]), config)
    expected = torch.softmax(reference(logits, torch.tensor([1, 5, 5]), config).double(), 0).numpy()
    draws = 20_000
    drawn = [draw(scores, config, position) for position in range(draws)]
    counts = np.bincount([token for token, _ in drawn], minlength=VOCABULARY)
    assert counts[expected == 0].sum() == 0
    common = expected * draws >= 5
    observed = np.append(counts[common], counts[~common].sum())
    wanted = np.append(expected[common], expected[~common].sum()) * draws
    if wanted[-1] < 1:
        observed, wanted = observed[:-1], wanted[:-1] * observed[:-1].sum() / wanted[:-1].sum()
    if len(wanted) > 1:
        assert stats.chisquare(observed, wanted).pvalue > 1e-3
    token, probability = drawn[0]
    assert probability == pytest.approx(expected[token], rel=1e-5)


def test_frequencies_over_seeds_follow_the_distribution() -> None:
    """The seed is as good a source of chance as the position."""
    scores = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
    counts = np.zeros(4)
    for seed in range(4000):
        token, _ = draw(scores, GenerationConfig(temperature=1.0, seed=seed), 17)
        counts[token] += 1
    assert stats.chisquare(counts, np.array([0.5, 0.3, 0.15, 0.05]) * 4000).pvalue > 1e-3


def test_noise_belongs_to_seed_and_position() -> None:
    first = exponential_noise(5, 9, 1000)
    assert torch.equal(first, exponential_noise(5, 9, 1000))
    assert not torch.equal(first, exponential_noise(5, 10, 1000))
    assert not torch.equal(first, exponential_noise(6, 9, 1000))
    assert stats.kstest(first.numpy(), "expon").pvalue > 1e-3


def test_greedy_takes_the_first_of_the_best() -> None:
    config = GenerationConfig(temperature=0.0)
    assert draw(torch.tensor([0.0, 2.0, 2.0]), config, 3) == (1, 1.0)
    assert config.greedy


@pytest.mark.parametrize("temperature", [1e-5, 1e-40, 1e-300])
def test_a_temperature_near_zero_is_almost_greedy(temperature: float) -> None:
    logits = torch.tensor([1.0, 30.0, 2.0, -40.0])
    config = GenerationConfig(temperature=temperature)
    scores = process_logits(logits, torch.tensor([0]), config)
    assert draw(scores, config, 0) == (1, 1.0)


def test_a_top_p_near_zero_keeps_the_best() -> None:
    config = GenerationConfig(temperature=1.0, top_p=1e-300)
    scores = process_logits(torch.tensor([1.0, 3.0, 2.0]), torch.tensor([0]), config)
    assert torch.isfinite(scores).tolist() == [False, True, False]


@pytest.mark.parametrize("penalty", [0.01, 100.0])
@given(seed=st.integers(0, 1000))
def test_the_strongest_penalties_leave_numbers(penalty: float, seed: int) -> None:
    logits = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(seed)) * 20
    config = GenerationConfig(temperature=1.0, repetition_penalty=penalty)
    scores = process_logits(logits, torch.arange(0, VOCABULARY, 2), config)
    _, probability = draw(scores, config, 0)
    assert 0 < probability <= 1
