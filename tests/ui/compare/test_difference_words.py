"""What two compared runs make of their tokens, in words: more and less, with absolute numbers."""

from __future__ import annotations

import numpy as np
import pytest

from app.attribution.sequence_alignment import Block
from app.evaluation.run_comparison import (
    RunDifference,
    SharedTokens,
    compare_runs,
    mean_with_interval,
)
from app.ui.compare.difference_words import describe_aligned, describe_match, describe_shared
from app.ui.state.session import Session


def shared(bits: list[float]) -> SharedTokens:
    values = np.array(bits)
    return SharedTokens(values, frozenset({1}), mean_with_interval(values))


@pytest.mark.parametrize(
    ("bits", "said"),
    [
        ([-4.0, 1.0] * 20, "1.50 bits less than A on average (B − A, 95%: −1.50 to −1.50)"),
        ([4.0, -1.0] * 20, "1.50 bits more than A on average (B − A, 95%: +1.50 to +1.50)"),
    ],
)
def test_more_and_less_have_absolute_numbers(bits: list[float], said: str) -> None:
    differs = "the mean absolute difference is 2.50 bits"
    told = describe_shared(shared(bits))
    assert f"shared tokens {said}" in told
    assert differs in told
    found = RunDifference(None, shared(bits), (Block(0, 0, 40),))
    told = describe_aligned(found, 41)
    assert "40 of 41 tokens of B are aligned with A again; stretches: 1. B gives them" in told
    assert f"them {said}" in told
    assert differs in told


def test_tokens_without_a_finite_difference_do_not_count() -> None:
    assert shared([1.0, -3.0, np.nan, -np.inf]).mean_absolute == 2.0
    assert np.isnan(shared([np.nan]).mean_absolute)


def test_a_single_token_has_more_or_less(finished_session: Session) -> None:
    one, other = finished_session.runs.all[0].tokens[:2]
    less, more = sorted((one, other), key=lambda token: token.attribution.logprob_tuned)
    assert " less" in describe_match(more, less, str)
    assert " more" in describe_match(less, more, str)
    for told in (describe_match(more, less, str), describe_match(less, more, str)):
        assert "gives it +" not in told
        assert "gives it −" not in told
    assert compare_runs([one], [one], 1).shared is None
