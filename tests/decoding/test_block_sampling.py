"""Processors and samples of a block against those of one row after another."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.decoding.block_sampling import (
    exponentials_of_all,
    process_block,
    sample_block,
    seen_in_block,
)
from app.decoding.noise import key_of, signed
from app.decoding.sampling import process_logits
from app.decoding.types import GenerationConfig
from tests.decoding.test_sampling import VOCABULARY, configs

_GREEDY = st.sampled_from([GenerationConfig(temperature=0.0, repetition_penalty=1.4)])


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
    scores = process_block(logits, seen_in_block(seen, torch.tensor(block)), config)
    noise = None
    if not config.greedy:
        keys = torch.tensor([signed(key_of(seed, place)) for place in range(len(block))])
        noise = exponentials_of_all(keys, VOCABULARY)
    drawn, sure = sample_block(scores, noise)
    for place, row in enumerate(logits):
        history = torch.tensor([*before, *block[: place + 1]])
        expected = process_logits(row.numpy(), history.numpy(), config)
        torch.testing.assert_close(scores[place], torch.from_numpy(expected.row()))
        token_id, probability = expected.sample(seed, place)
        assert int(drawn[place]) == token_id
        if not config.greedy:
            assert float(sure[place]) == pytest.approx(probability, rel=1e-5)


def test_the_probability_of_the_best_token() -> None:
    scores = torch.log(torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]))
    drawn, sure = sample_block(scores, None)
    assert drawn.tolist() == [1, 2]
    torch.testing.assert_close(sure, torch.tensor([0.5, 0.8], dtype=torch.float64))
