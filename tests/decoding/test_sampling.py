"""Processors against those of transformers; samples against the exact distribution."""

from __future__ import annotations

from dataclasses import replace

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

from app.decoding.noise import exponentials, key_of
from app.decoding.sampling import Distribution, process_logits
from app.decoding.types import GenerationConfig
from app.errors import StructureError

VOCABULARY = 40
FREE = GenerationConfig(temperature=1.0, top_p=1.0)
NOBODY = np.array([0])


def reference(
    logits: torch.Tensor, history: torch.Tensor, config: GenerationConfig, prompt_length: int = 0
) -> torch.Tensor:
    """What transformers' generate would do; bias and penalties are as the OpenAI API says:
    μ_j − c_j · frequency − [c_j > 0] · presence, with c_j counted in the generated tokens."""
    logits = logits.clone()
    for token_id, bias in config.logit_bias:
        logits[token_id] += bias
    if config.repetition_penalty != 1.0:
        penalty = RepetitionPenaltyLogitsProcessor(config.repetition_penalty)
        logits = penalty(history[None], logits[None])[0]
    generated = history[prompt_length:].tolist()
    for token_id in set(generated):
        lost = generated.count(token_id) * config.frequency_penalty + config.presence_penalty
        logits[token_id] -= lost
    processors = LogitsProcessorList()
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


@pytest.mark.slow
@given(config=configs, seed=st.integers(0, 10_000), length=st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_processors_equal_those_of_transformers(
    config: GenerationConfig, seed: int, length: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(VOCABULARY, generator=generator) * 3
    history = torch.randint(VOCABULARY, (length,), generator=generator)
    torch.testing.assert_close(
        torch.from_numpy(processed(logits, history, config).row()),
        reference(logits, history, config),
    )


def processed(
    logits: torch.Tensor, history: torch.Tensor, config: GenerationConfig
) -> Distribution:
    return process_logits(logits.numpy(), history.numpy(), config)


@pytest.mark.parametrize(("frequency", "presence"), [(0.5, 0.0), (0.0, 1.5), (-0.7, 0.3), (2, 2)])
@pytest.mark.parametrize("repetition", [1.0, 1.3])
def test_penalties_are_those_of_the_openai_api(
    frequency: float, presence: float, repetition: float
) -> None:
    logits = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(4)) * 3
    prompt, generated = [7, 7, 3, 1], [5, 5, 5, 3, 30]
    config = replace(
        FREE,
        frequency_penalty=frequency,
        presence_penalty=presence,
        repetition_penalty=repetition,
    )
    history = torch.tensor([*prompt, *generated])
    expected = reference(logits, history, config, len(prompt))
    found = process_logits(logits.numpy(), history.numpy(), config, len(prompt))
    np.testing.assert_allclose(found.row(), expected.numpy(), rtol=1e-5, atol=1e-6)


def test_a_bias_is_added_before_everything_else() -> None:
    logits = np.float32([0.5, -1.0, 2.0])
    config = replace(
        FREE, temperature=2.0, repetition_penalty=2.0, logit_bias=((0, -1.5), (1, 3.0), (99, 50.0))
    )
    found = process_logits(logits, np.array([0, 1]), config)
    assert found.row().tolist() == [-1.0 * 2 / 2, 2.0 / 2 / 2, 2.0 / 2]
    greedy = replace(config, temperature=0.0, logit_bias=((1, 100.0),))
    assert process_logits(logits, NOBODY, greedy).sample(0, 0) == (1, 1.0)


@pytest.mark.parametrize("options", [{}, {"top_k": 2}, {"top_p": 0.6}, {"min_p": 0.3}])
def test_what_is_not_allowed_is_excluded_before_the_processors(options: dict[str, float]) -> None:
    logits = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(2)) * 2
    allowed = np.zeros(VOCABULARY, dtype=bool)
    allowed[[3, 9, 10, 31]] = True
    config = replace(FREE, temperature=0.7, **options)  # type: ignore[arg-type]
    found = process_logits(logits.numpy(), NOBODY, config, 0, allowed)
    masked = logits.masked_fill(~torch.from_numpy(allowed), -torch.inf)
    torch.testing.assert_close(
        torch.from_numpy(found.row()), reference(masked, torch.tensor([0]), config)
    )
    with pytest.raises(StructureError, match="all models have"):
        process_logits(np.where(allowed, -np.inf, logits.numpy()), NOBODY, config, 0, allowed)


@pytest.mark.parametrize("spread", [0.01, 1.5, 3.0, 6.0, 40.0])
@pytest.mark.parametrize(
    "options", [{"top_p": 0.9}, {"top_p": 0.9999}, {"top_k": 50}, {"top_k": 4000}]
)
def test_what_is_kept_of_many_ids(spread: float, options: dict[str, float]) -> None:
    """Flat and steep rows: what is looked for first near the best may lie further away."""
    logits = torch.randn(5000, generator=torch.Generator().manual_seed(1)) * spread
    config = GenerationConfig(**{"temperature": 1.0, "top_p": 1.0, **options})  # type: ignore[arg-type]
    kept = processed(logits, torch.tensor([0]), config)
    expected = reference(logits, torch.tensor([0]), config)
    # transformers adds up in float32: at the edge it may keep a token more or less
    edge = 3 if config.top_p < 1 else 0
    assert abs(np.isfinite(kept.row()).sum() - int(expected.isfinite().sum())) <= edge
    both = torch.from_numpy(np.isfinite(kept.row())) & expected.isfinite()
    assert torch.equal(torch.from_numpy(kept.row())[both], expected[both])


@pytest.mark.slow
@given(seed=st.integers(0, 10_000), spread=st.sampled_from([0.01, 1.0, 4.0, 12.0]))
@settings(max_examples=60, deadline=None)
def test_unlikely_ids_are_sampled_as_a_race_of_all_would(seed: int, spread: float) -> None:
    """The race looks at the noise of unlikely ids only where it can win."""
    scores = np.random.default_rng(seed).normal(size=20_000).astype(np.float32) * spread
    scores[::7] = -np.inf
    weights = np.exp((scores - scores.max()).astype(np.float64))
    for position in range(5):
        noise = exponentials(key_of(3, position), np.arange(20_000))
        token_id, probability = process_logits(scores, NOBODY, FREE).sample(3, position)
        assert token_id == np.argmax(weights / noise)
        assert probability == pytest.approx(weights[token_id] / weights.sum(), rel=1e-5)


@pytest.mark.slow
def test_ids_beyond_all_likely_ones_are_sampled_too() -> None:
    """A token 13 nats below the best, and 400,000 of its kind: together they are nearly half."""
    scores = np.full(400_001, -13.0, dtype=np.float32)
    scores[0] = 0.0
    found = process_logits(scores, NOBODY, FREE)
    drawn = [found.sample(1, position)[0] for position in range(400)]
    expected = 400_000 * np.exp(-13.0) / (1 + 400_000 * np.exp(-13.0))
    hits = sum(token_id > 0 for token_id in drawn)
    assert stats.binomtest(hits, 400, expected).pvalue > 1e-3


def test_masked_ids_stay_masked() -> None:
    logits = torch.randn(VOCABULARY)
    logits[::2] = float("-inf")
    config = GenerationConfig(temperature=2.0, top_p=0.99, repetition_penalty=1.5, min_p=0.01)
    found = processed(logits, torch.arange(VOCABULARY), config)
    assert np.isneginf(found.row()[::2]).all()
    assert found.probability(0) == 0.0
    assert all(found.sample(0, position)[0] % 2 for position in range(200))


@pytest.mark.slow
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
    found = processed(logits, torch.tensor([1, 5, 5]), config)
    expected = torch.softmax(reference(logits, torch.tensor([1, 5, 5]), config).double(), 0).numpy()
    draws = 20_000
    drawn = [found.sample(0, position) for position in range(draws)]
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
    shares = [found.probability(token_id) for token_id in range(VOCABULARY)]
    np.testing.assert_allclose(shares, expected, rtol=1e-5)


@pytest.mark.slow
def test_frequencies_over_seeds_follow_the_distribution() -> None:
    """The seed is as good a source of chance as the position."""
    found = process_logits(np.log(np.float32([0.5, 0.3, 0.15, 0.05])), NOBODY, FREE)
    counts = np.zeros(4)
    for seed in range(4000):
        counts[found.sample(seed, 17)[0]] += 1
    assert stats.chisquare(counts, np.array([0.5, 0.3, 0.15, 0.05]) * 4000).pvalue > 1e-3


def test_greedy_takes_the_first_of_the_best() -> None:
    found = process_logits(np.float32([0.0, 2.0, 2.0]), NOBODY, GenerationConfig(temperature=0.0))
    assert found.sample(0, 3) == (1, 1.0)
    assert [found.probability(token_id) for token_id in range(3)] == [0.0, 1.0, 0.0]
    assert found.softmax_probability(1) == pytest.approx(1 / (2 + np.exp(-2.0)))


@pytest.mark.parametrize("temperature", [1e-5, 1e-40, 1e-300])
def test_a_temperature_near_zero_is_almost_greedy(temperature: float) -> None:
    logits = np.float32([1.0, 30.0, 2.0, -40.0])
    found = process_logits(logits, NOBODY, GenerationConfig(temperature=temperature))
    assert found.sample(0, 0) == (1, 1.0)


def test_a_top_p_near_zero_keeps_the_best() -> None:
    config = GenerationConfig(temperature=1.0, top_p=1e-300)
    found = process_logits(np.float32([1.0, 3.0, 2.0]), NOBODY, config)
    assert np.isfinite(found.row()).tolist() == [False, True, False]


@pytest.mark.parametrize("penalty", [0.01, 100.0])
@given(seed=st.integers(0, 1000))
def test_the_strongest_penalties_leave_numbers(penalty: float, seed: int) -> None:
    logits = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(seed)) * 20
    config = GenerationConfig(temperature=1.0, repetition_penalty=penalty)
    found = processed(logits, torch.arange(0, VOCABULARY, 2), config)
    _, probability = found.sample(config.seed, 0)
    assert 0 < probability <= 1
