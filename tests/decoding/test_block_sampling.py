"""Processors and samples of a block against those of one row after another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.decoding.block_sampling import (
    SETTINGS,
    Processors,
    exponentials_of_all,
    process_block,
    sample_block,
    seen_in_block,
    settings_of,
)
from app.decoding.noise import exponentials, key_of, signed
from app.decoding.sampling import process_logits
from app.decoding.types import GenerationConfig
from tests.decoding.test_sampling import VOCABULARY, configs

_GREEDY = st.sampled_from([GenerationConfig(temperature=0.0, repetition_penalty=1.4)])


def processed(
    logits: torch.Tensor,
    seen: torch.Tensor | None,
    config: GenerationConfig,
    processors: Processors | None = None,
) -> torch.Tensor:
    values = settings_of(config, logits.shape[-1])
    settings = {name: torch.tensor([values[name]], dtype=kind) for name, kind in SETTINGS.items()}
    return process_block(logits, seen, processors or Processors.of(config), settings)


@pytest.mark.slow
@given(
    config=st.one_of(configs, _GREEDY),
    seed=st.integers(0, 10_000),
    block=st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=6),
    before=st.lists(st.integers(0, VOCABULARY - 1), max_size=4),
    masked=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_a_block_is_processed_and_sampled_as_its_rows_are(
    config: GenerationConfig, seed: int, block: list[int], before: list[int], masked: bool
) -> None:
    logits = torch.randn(len(block), VOCABULARY, generator=torch.Generator().manual_seed(seed)) * 3
    if masked:
        logits[:, ::3] = float("-inf")
    seen = torch.zeros(VOCABULARY, dtype=torch.bool)
    seen[[*before, block[0]]] = True
    scores = processed(logits, seen_in_block(seen, torch.tensor(block)), config)
    noise = None
    if not config.greedy:
        keys = torch.tensor([signed(key_of(seed, place)) for place in range(len(block))])
        noise = exponentials_of_all(keys, VOCABULARY)
    drawn, sure, best = sample_block(scores, noise)
    for place, row in enumerate(logits):
        history = torch.tensor([*before, *block[: place + 1]])
        expected = process_logits(row.numpy(), history.numpy(), config)
        torch.testing.assert_close(scores[place], torch.from_numpy(expected.row()))
        token_id, probability = expected.sample(seed, place)
        assert int(drawn[place]) == token_id
        if not config.greedy:
            assert float(sure[place]) == pytest.approx(probability, rel=1e-5)
            variate = exponentials(key_of(seed, place), np.array([token_id]))
            assert float(best[place]) == pytest.approx(probability / variate[0], rel=1e-5)


@pytest.mark.slow
@given(
    config=st.one_of(configs, _GREEDY),
    seed=st.integers(0, 10_000),
    rounded=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_settings_that_are_off_keep_every_score(
    config: GenerationConfig, seed: int, rounded: bool
) -> None:
    """A step that has all processors serves every setting, also where many scores are equal."""
    logits = torch.randn(3, VOCABULARY, generator=torch.Generator().manual_seed(seed)) * 3
    if rounded:
        logits = logits.round()
    seen = torch.rand(3, VOCABULARY, generator=torch.Generator().manual_seed(seed)) < 0.2
    every = Processors(samples=not config.greedy, truncates=True, penalises=True)
    scores = processed(logits, seen, config, every)
    for place, row in enumerate(logits):
        expected = process_logits(row.numpy(), seen[place].nonzero()[:, 0].numpy(), config).row()
        assert torch.equal(scores[place], torch.from_numpy(expected))


def test_there_are_few_combinations_of_processors() -> None:
    assert Processors.of(GenerationConfig(temperature=0.0)) == Processors(False, False, False)
    plain = GenerationConfig(temperature=0.3, top_p=1.0, min_p=0.1)
    assert Processors.of(plain) == Processors(True, False, False)
    for options in ({"top_k": 3}, {"top_p": 0.4}, {"top_k": 9, "top_p": 0.9, "temperature": 1.0}):
        config = replace(plain, **options)  # type: ignore[arg-type]
        assert Processors.of(config) == Processors(True, True, False)
    assert Processors.of(replace(plain, repetition_penalty=0.9)) == Processors(True, False, True)


def test_the_probability_of_the_best_token() -> None:
    scores = torch.log(torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]))
    drawn, sure, best = sample_block(scores, None)
    assert drawn.tolist() == [1, 2]
    torch.testing.assert_close(sure, torch.tensor([0.5, 0.8], dtype=torch.float64))
    torch.testing.assert_close(best, sure.log())
