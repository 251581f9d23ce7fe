"""The grid of tokens × α against softmax of the formula in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax

from app.attribution.alpha_grid import AlphaGrid, GridToken, alpha_axis, alpha_grid
from app.attribution.candidates import keep_candidates
from app.attribution.estimated import attribute_candidates
from app.attribution.row_store import RowBudget, RowStore
from app.decoding.tuned_logits import tuned_logits
from app.decoding.types import RoleLogits, TokenStep
from app.errors import Cancelled

VOCABULARY = 5000
ALPHAS = (0.8, -0.5, 1.7)
AXIS = alpha_axis()


def invent(seed: int, pairs: int, size: int = VOCABULARY) -> RoleLogits:
    """Random rows with masked ids, and a token that is likely only at large α."""
    random = np.random.default_rng(seed)
    rows = random.normal(0, 3, (1 + 2 * pairs, size)).astype(np.float32)
    rows[1:] = rows[0] + random.normal(0, 1.5, (2 * pairs, size))
    rows[0, 17], rows[1, 17] = -80.0, 20.0
    rows[:, 100:140] = -np.inf
    return RoleLogits(rows[0], tuple(rows[1 : 1 + pairs]), tuple(rows[1 + pairs :]))


def step(seed: int, pairs: int, index: int = 0, size: int = VOCABULARY) -> TokenStep:
    logits, alphas = invent(seed, pairs, size), ALPHAS[:pairs]
    token_id = int(tuned_logits(logits, alphas).argsort()[-3])
    return TokenStep(index, token_id, "", 0, alphas, logits, 0.5)


def token_of(made: TokenStep) -> GridToken:
    return GridToken(made.index, made.token_id, made.alphas, made.kept_logits)


def expected(made: TokenStep, pair: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability, entropy and argmax at every α, from the definitions."""
    logits = made.kept_logits
    found = []
    for alpha in AXIS:
        row = logits.base.astype(np.float64)
        for place, own in enumerate(made.alphas):
            factor = own * alpha if pair is None else alpha if place == pair else own
            with np.errstate(invalid="ignore"):
                difference = logits.experts[place].astype(np.float64) - logits.antiexperts[place]
            row = row + factor * np.nan_to_num(difference)
        logprobs = log_softmax(row)
        p = np.exp(logprobs)
        found.append((p[made.token_id], -p[p > 0] @ logprobs[p > 0], logprobs.argmax()))
    probability, entropy, argmax = (np.array(each) for each in zip(*found, strict=True))
    return probability, entropy, argmax


def only(tokens: list[GridToken], pair: int | None) -> AlphaGrid:
    (grid,) = alpha_grid(tokens, pair, AXIS)
    return grid


@pytest.mark.parametrize("pairs", [1, 2, 3])
@pytest.mark.parametrize("varied", [None, 0, -1])
def test_every_cell_is_softmax_of_the_formula(pairs: int, varied: int | None) -> None:
    pair = None if varied is None else range(pairs)[varied]
    steps = [step(seed, pairs, index=seed) for seed in range(4)]
    grid = only([token_of(made) for made in steps], pair)
    assert grid.indices.tolist() == [0, 1, 2, 3]
    assert not grid.estimated.any()
    for place, made in enumerate(steps):
        probability, entropy, argmax = expected(made, pair)
        assert grid.probability[place] == pytest.approx(probability, rel=1e-4, abs=1e-7)
        assert grid.entropy[place] == pytest.approx(entropy, abs=1e-4)
        assert grid.argmax[place].tolist() == argmax.tolist()
        recorded = int(tuned_logits(made.kept_logits, made.alphas).argmax())
        assert grid.recorded_argmax[place] == recorded
        assert grid.changed[place].tolist() == (argmax != recorded).tolist()


def test_the_axis_contains_the_base_and_the_recipe() -> None:
    made = step(5, 2)
    grid = only([token_of(made)], None)
    base, recorded = (int(np.abs(AXIS - value).argmin()) for value in (0.0, 1.0))
    assert (AXIS[0], AXIS[-1]) == (-1.0, 4.0)
    assert grid.argmax[0, base] == made.kept_logits.base.argmax()
    assert grid.argmax[0, recorded] == grid.recorded_argmax[0]


@pytest.mark.parametrize("pairs", [1, 2, 3])
@pytest.mark.parametrize("varied", [None, 0])
def test_tokens_without_rows_are_estimated_as_the_candidates_are(
    pairs: int, varied: int | None
) -> None:
    made = step(3, pairs)
    kept = keep_candidates(made.kept_logits, made.alphas, made.token_id)
    grid = only([GridToken(0, made.token_id, made.alphas, kept)], varied)
    assert grid.estimated.all()
    for place in range(0, len(AXIS), 7):
        alpha = AXIS[place]
        alphas = tuple(
            own * alpha if varied is None else alpha if pair == varied else own
            for pair, own in enumerate(made.alphas)
        )
        estimate = attribute_candidates(kept.with_alphas(alphas), made.token_id)
        assert grid.probability[0, place] == pytest.approx(estimate.p_tuned, rel=1e-5)
        assert grid.entropy[0, place] == pytest.approx(estimate.entropy_tuned, abs=1e-5)
        assert grid.argmax[0, place] == estimate.argmax_tuned


def test_rows_and_candidates_of_a_store_are_both_in_the_grid() -> None:
    store = RowStore(RowBudget(most_bytes=2 * step(0, 1).kept_logits.nbytes))
    steps = [step(seed, 1, index=seed) for seed in range(5)]
    for made in steps:
        store.add(made)
    assert store.at_hand(9) is None
    tokens = [
        GridToken(made.index, made.token_id, made.alphas, kept)
        for made in steps
        if (kept := store.at_hand(made.index))
    ]
    grid = only(tokens, 0)
    assert grid.indices.tolist() == [0, 1, 2, 3, 4]
    assert grid.estimated.tolist() == [True, True, True, False, False]
    whole = only([token_of(made) for made in steps], 0)
    known = int(np.abs(AXIS - ALPHAS[0]).argmin())  # the recorded α: estimates are exact there
    assert grid.probability[:, known] == pytest.approx(whole.probability[:, known], rel=1e-4)


@pytest.mark.parametrize("reduced", [False, True])
def test_positions_that_the_pairs_did_not_read_are_unknown(reduced: bool) -> None:
    base = invent(2, 1).base
    made = replace(step(2, 1), logits=RoleLogits(base, (base,), (base,)), alphas=(0.0,))
    kept = made.kept_logits
    rows = keep_candidates(kept, made.alphas, made.token_id) if reduced else kept
    grid = only([GridToken(0, made.token_id, made.alphas, rows)], 0)
    assert np.isnan(grid.probability).all()
    assert np.isnan(grid.entropy).all()
    assert (grid.argmax == -1).all()
    assert not grid.changed.any()
    assert not grid.estimated.any(), "nothing is known, so nothing is estimated"
    assert grid.recorded_argmax[0] == base.argmax()


def test_the_grid_comes_in_blocks_and_can_be_cancelled() -> None:
    small = token_of(step(1, 1, size=200))
    blocks = [len(block.indices) for block in alpha_grid([small] * 600, 0, AXIS)]
    assert blocks == [256, 256, 88]
    large = token_of(step(1, 1, size=152_000))
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20

    grid = alpha_grid([large] * 100, 0, AXIS, cancelled)
    assert len(next(grid).indices) == 14
    with pytest.raises(Cancelled):
        next(grid)
