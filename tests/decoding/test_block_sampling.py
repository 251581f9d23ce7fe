"""Processors and draws of a block against those of one row after another."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.decoding.block_sampling import draw_block, process_block, seen_in_block
from app.decoding.sampling import draw, exponential_noise, process_logits
from app.decoding.types import GenerationConfig
from tests.decoding.test_sampling import VOCABULARY, configs

_GREEDY = st.sampled_from([GenerationConfig(temperature=0.0, repetition_penalty=1.4)])


@given(
    config=st.one_of(configs, _GREEDY),
    seed=st.integers(0, 10_000),
    block=st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=6),
    before=st.lists(st.integers(0, VOCABULARY - 1), max_size=4),
    masked=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_a_block_is_processed_and_drawn_as_its_rows_are(
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
        noise = torch.stack([exponential_noise(seed, at, VOCABULARY) for at in range(len(block))])
    drawn, sure = draw_block(scores, noise)
    for place, row in enumerate(logits):
        history = torch.tensor([*before, *block[: place + 1]])
        expected = process_logits(row, history, config)
        torch.testing.assert_close(scores[place], expected)
        own = None if noise is None else noise[place]
        token_id, probability = draw(expected, config, place, own)
        assert int(drawn[place]) == token_id
        if not config.greedy:
            torch.testing.assert_close(float(sure[place]), probability)


def test_the_probability_of_the_best_token() -> None:
    scores = torch.log(torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]))
    drawn, sure = draw_block(scores, None)
    assert drawn.tolist() == [1, 2]
    torch.testing.assert_close(sure, torch.tensor([0.5, 0.8], dtype=torch.float64))
