"""Rows reduced in torch against attribution in NumPy, and against plain float64 definitions."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import entropy
from torch._subclasses.fake_tensor import FakeTensorMode

from app.attribution.attribution import attribute
from app.attribution.candidates import keep_candidates
from app.attribution.shapley import coalitions
from app.attribution.step_attribution import (
    attribute_reduced,
    attribute_step,
    reduced_candidates,
)
from app.decoding.combining import Pair
from app.decoding.coverage import Coverage
from app.decoding.row_reduction import RowReduction
from app.decoding.types import ReducedRows, RoleLogits, TokenStep

ALPHAS = (1.0, 0.5, -0.3)
PAIRS = {
    0: (),
    1: (Pair("one", 1, 2),),
    2: (Pair("one", 1, 2), Pair("two", 3, 2)),  # both pairs have one anti-expert
    3: (Pair("one", 1, 2), Pair("two", 3, 4), Pair("three", 5, 0)),
}


def reduction(pairs: int, size: int, tops: tuple[int, int] = (50, 24)) -> RowReduction:
    contexts = 1 + max((max(pair.expert, pair.antiexpert) for pair in PAIRS[pairs]), default=0)
    subsets = tuple(tuple(map(bool, members)) for members in coalitions(pairs).members)
    return RowReduction(contexts, size, PAIRS[pairs], subsets, *tops)


def invent(contexts: int, positions: int, size: int, seed: int = 0) -> torch.Tensor:
    """Rows with many ties, as models that compute in bfloat16 give them, and two masked ids."""
    generator = torch.Generator().manual_seed(seed)
    rows = 3 * torch.randn(contexts, positions, size, generator=generator)
    rows = rows.bfloat16().float()
    rows[..., [2, size - 1]] = float("-inf")
    return rows


def on_host(rows: torch.Tensor, pairs: tuple[Pair, ...]) -> RoleLogits:
    arrays = list(rows.numpy())
    experts = tuple(arrays[pair.expert] for pair in pairs)
    return RoleLogits(arrays[0], experts, tuple(arrays[pair.antiexpert] for pair in pairs))


def reduce(made: RowReduction, rows: torch.Tensor, tokens: list[int]) -> list[ReducedRows]:
    packed = made(rows, torch.tensor(tokens), torch.tensor(ALPHAS[: len(made.pairs)]))
    assert packed.shape == (len(tokens), made.length)
    return [made.unpack(position) for position in packed.numpy()]


@pytest.mark.parametrize("pairs", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [30, 2000])
def test_reduced_rows_give_the_attribution_and_the_candidates_of_the_rows(
    pairs: int, size: int
) -> None:
    made = reduction(pairs, size)
    rows = invent(made.contexts, 3, size)
    alphas, tokens = ALPHAS[:pairs], [5, int(rows[0, 1].argmax()), 17]
    for place, found in enumerate(reduce(made, rows, tokens)):
        logits = on_host(rows[:, place], made.pairs)
        expected = attribute(logits, alphas, tokens[place])
        explained = attribute_reduced(found, alphas)
        for name in ("rank_base", "rank_tuned", "argmax_base", "argmax_tuned"):
            assert getattr(explained, name) == getattr(expected, name)
        for item in fields(expected):
            if item.name not in ("coverage", "bounded"):
                values = (getattr(explained, item.name), getattr(expected, item.name))
                assert values[0] == pytest.approx(values[1], abs=1e-5), item.name
        kept = keep_candidates(logits, alphas, tokens[place])
        candidates = reduced_candidates(found, alphas)
        for name in ("token_ids", "base", "experts", "antiexperts", "rank_base", "rank_tuned"):
            assert np.array_equal(getattr(candidates, name), getattr(kept, name)), name
        for name in ("log_normalizers", "coalition_log_normalizers"):
            assert getattr(candidates, name) == pytest.approx(getattr(kept, name), abs=1e-5)


def test_reduced_rows_have_the_statistics_of_float64() -> None:
    made = reduction(2, 3000)
    rows = invent(made.contexts, 1, 3000, seed=4)
    (found,) = reduce(made, rows, [8])
    exact = rows[:, 0].double().numpy()
    with np.errstate(invalid="ignore"):
        differences = np.nan_to_num(np.stack([exact[1] - exact[2], exact[3] - exact[2]]))
    tuned = exact[0] + np.array(ALPHAS[:2]) @ differences
    explained = attribute_reduced(found, ALPHAS[:2])
    assert explained.logprob_base == pytest.approx(log_softmax(exact[0])[8], abs=1e-5)
    assert explained.logprob_tuned == pytest.approx(log_softmax(tuned)[8], abs=1e-5)
    assert explained.entropy_base == pytest.approx(entropy(softmax(exact[0])), abs=1e-5)
    assert explained.entropy_tuned == pytest.approx(entropy(softmax(tuned)), abs=1e-5)
    p, q = softmax(tuned), softmax(exact[0])
    assert explained.kl == pytest.approx(entropy(p[p > 0], q[p > 0]), abs=1e-5)
    assert found.log_normalizers == pytest.approx(
        [logsumexp(exact[place]) for place in (0, 1, 3, 2, 2)], abs=1e-5
    )
    halves = [exact[0] + alpha * each for alpha, each in zip(ALPHAS[:2], differences, strict=True)]
    assert found.subset_log_normalizers == pytest.approx(
        [logsumexp(row) for row in (exact[0], *halves, tuned)], abs=1e-5
    )
    for token_id, rank_base in zip(found.token_ids, found.rank_base, strict=True):
        assert rank_base == 1 + sum(1 for value in exact[0] if value > exact[0][token_id])


def test_a_token_that_is_masked_or_unlikely_is_a_candidate_all_the_same() -> None:
    made = reduction(1, 2000)
    rows = invent(made.contexts, 2, 2000)
    unlikely = int(torch.where(rows[0, 1].isinf(), 0.0, rows[0, 1]).argmin())
    for place, found in enumerate(reduce(made, rows, [2, unlikely])):
        candidates = reduced_candidates(found, ALPHAS[:1])
        kept = keep_candidates(
            on_host(rows[:, place], made.pairs), ALPHAS[:1], [2, unlikely][place]
        )
        assert candidates.token_ids.tolist() == kept.token_ids.tolist()
        assert candidates.rank_tuned.tolist() == kept.rank_tuned.tolist()


def test_a_reduction_asks_the_device_nothing() -> None:
    with FakeTensorMode():
        made = reduction(2, 151_936)
        packed = made(
            torch.empty(made.contexts, 17, 151_936),
            torch.zeros(17, dtype=torch.int64),
            torch.ones(2),
        )
    assert packed.shape == (17, made.length)


def test_the_attribution_has_the_shares_of_the_step() -> None:
    logits = on_host(invent(3, 1, 30)[:, 0], PAIRS[1])
    step = TokenStep(0, 5, "a", 0, ALPHAS[:1], logits, 0.5)
    found = attribute_step(step)
    assert (found.coverage, found.bounded, found.unknown) == (None, None, None)
    found = attribute_step(replace(step, coverage=Coverage(0.9, 0.07)))
    assert (found.coverage, found.bounded) == (0.9, 0.07)
    assert found.unknown == pytest.approx(0.03)
    partial = replace(step, logits=replace(logits, base=logits.base - logsumexp(logits.base) - 1))
    found = attribute_step(replace(partial, coverage=Coverage(0.9, 0.07)), partial=True)
    assert found.coverage == pytest.approx(np.exp(-1), abs=1e-5)
