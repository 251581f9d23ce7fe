"""The differences of two runs at shared tokens, against plain forward passes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

import app
from app.attribution.explained_token import ExplainedToken
from app.attribution.sequence_alignment import Block
from app.evaluation.run_comparison import (
    BLOCK,
    SharedTokens,
    compare_runs,
    compare_shared,
    mean_with_interval,
)
from tests import tiny

PROMPT, TEXT = "the king said", " that the night was long and the sea was wide"


@pytest.fixture(scope="module")
def scored(llama: tiny.Family) -> tuple[app.ModelRun, app.ModelRun]:
    """One text under α 0.5 and 1.5."""
    with app.load(llama.recipe(), prove=False) as models:
        first, second = (app.score(models, PROMPT, TEXT, alphas=[a]) for a in (0.5, 1.5))
    return first, second


def test_the_difference_is_that_of_plain_forward_passes(
    llama: tiny.Family, scored: tuple[app.ModelRun, app.ModelRun]
) -> None:
    first, second = scored
    prompt = tiny.make_tokenizer().encode(PROMPT).ids
    ids = [token.token_id for token in first.tokens]
    with torch.inference_mode():
        base, expert, antiexpert = (
            model(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1].double()
            for model in llama.models()
        )
    rows = [(base + a * (expert - antiexpert)).log_softmax(-1) for a in (0.5, 1.5)]
    told = compare_shared(first.tokens, second.tokens, len(ids))
    assert told is not None
    at = torch.arange(len(ids)), torch.tensor(ids)
    expected = ((rows[1][at] - rows[0][at]) / math.log(2)).numpy()
    assert told.bits == pytest.approx(expected, abs=1e-3)
    argmaxes = (rows[0].argmax(-1) != rows[1].argmax(-1)).nonzero().flatten().tolist()
    assert told.changed == frozenset(argmaxes)
    assert told.interval is not None
    assert told.interval.value == pytest.approx(expected.mean(), abs=1e-3)


def test_runs_without_a_difference_have_none(
    scored: tuple[app.ModelRun, app.ModelRun],
) -> None:
    first, _ = scored
    count = len(first.tokens)
    assert compare_shared(first.tokens, first.tokens, count) is None
    equal = [replace(each, attribution=replace(each.attribution)) for each in first.tokens]
    assert compare_shared(first.tokens, equal, count) is None
    assert compare_shared(first.tokens, first.tokens, 0) is None


def test_only_the_shared_tokens_are_compared(scored: tuple[app.ModelRun, app.ModelRun]) -> None:
    told = compare_shared(*(run.tokens for run in scored), 5)
    assert isinstance(told, SharedTokens)
    assert len(told.bits) == 5
    assert all(place < 5 for place in told.changed)


def test_the_interval_is_students_over_blocks() -> None:
    bits = np.random.default_rng(3).normal(0.3, 1.0, BLOCK * 12)
    means = bits.reshape(12, BLOCK).mean(axis=1)
    low, high = stats.t.interval(0.95, 11, means.mean(), stats.sem(means))
    found = mean_with_interval(bits)
    assert found is not None
    assert found.value == pytest.approx(bits.mean())
    assert (found.low, found.high) == pytest.approx((low, high), rel=0.01)
    holes = np.concatenate([bits, [math.inf, math.nan]])
    assert mean_with_interval(holes) == found


def test_runs_of_which_no_probability_is_known_have_no_mean(
    scored: tuple[app.ModelRun, app.ModelRun],
) -> None:
    first, second = scored
    unknown = [
        replace(token, attribution=replace(token.attribution, logprob_tuned=math.nan))
        for token in second.tokens
    ]
    told = compare_shared(first.tokens, unknown, len(unknown))
    assert told is not None
    assert told.interval is None


def test_tokens_that_are_aligned_again_are_compared(
    scored: tuple[app.ModelRun, app.ModelRun],
) -> None:
    token = scored[0].tokens[0]

    def run(ids: tuple[int, ...], logprob: float) -> list[ExplainedToken]:
        return [
            replace(
                token,
                index=at,
                token_id=token_id,
                attribution=replace(
                    token.attribution, logprob_tuned=logprob - at, argmax_tuned=at % 3
                ),
            )
            for at, token_id in enumerate(ids)
        ]

    first, second = run((1, 2, 9, 3, 4, 5, 6), -1.0), run((1, 2, 8, 8, 3, 4, 7, 6), -2.0)
    found = compare_runs(first, second, 2)
    assert found.stretches == (Block(3, 4, 2),)  # the single 6 is a coincidence
    assert found.covered == 2
    assert found.match_of(4, in_second=True) == 3
    assert found.match_of(4, in_second=False) == 5
    assert found.match_of(6, in_second=True) is None
    assert found.aligned is not None
    expected = (-2.0 - 4 - (-1.0 - 3)) / math.log(2)
    unknown = math.nan
    bits = [unknown, unknown, expected, expected, unknown, unknown]
    assert found.aligned.bits == pytest.approx(bits, nan_ok=True)
    assert found.aligned.changed == {4, 5}
    assert found.aligned.interval is not None
    assert found.aligned.interval.value == pytest.approx(expected)
    tints = found.tints(2)
    assert tints is not None
    assert tints.bits == pytest.approx([-1 / math.log(2)] * 2 + bits, nan_ok=True)
    assert compare_runs(first, first, len(first)).tints(len(first)) is None
