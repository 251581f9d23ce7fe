"""Decoding with rows that are reduced where they are, against decoding with rows on the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from app.attribution.row_store import RowStore
from app.attribution.step_attribution import attribute_step, candidates_of
from app.decoding.decode import TextPrefix
from app.decoding.row_reduction import RowReducer
from app.decoding.speculative import Speculator
from app.decoding.tuned_logits import tuned_logits
from app.decoding.types import GenerationConfig
from app.errors import ModelError
from tests import tiny
from tests.attribution.test_step_attribution import reduction
from tests.decoding.table_model import VOCABULARY
from tests.decoding.test_fused_step import Both
from tests.decoding.test_speculative import Tables
from tests.decoding.texts import GREEDY, SAMPLED, BaseClock, Text

PENALISED = GenerationConfig(24, 0.9, top_k=9, repetition_penalty=1.3, seed=2)


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def reducer(*, keep_rows: bool) -> RowReducer:
    """A reducer for an ensemble of one pair, whose rows are on a CPU."""
    return RowReducer(reduction(1, VOCABULARY, (5, 3)), keep_rows=keep_rows, everywhere=True)


@pytest.mark.parametrize("config", [GREEDY, SAMPLED, PENALISED])
@pytest.mark.parametrize("drafts", [False, True])
def test_tokens_and_their_attributions_are_those_of_rows_on_the_host(
    config: GenerationConfig, drafts: bool
) -> None:
    models = Tables(seed=3)
    options = {"prefix": TextPrefix((), (4, 1, 4)), "alphas": iter([(0.7,), (1.1,)] * 12).__next__}
    plain = models.plain(config, **options)
    decode = models.speculative if drafts else models.plain
    options["alphas"] = iter([(0.7,), (1.1,)] * 12).__next__
    reduced = decode(config, reducer=reducer(keep_rows=False), **options)
    assert reduced.ids == plain.ids
    for expected, step in zip(plain.steps, reduced.steps, strict=True):
        assert step.logits is None
        assert step.sampled_probability == expected.sampled_probability
        found, explained = attribute_step(step), attribute_step(expected)
        assert found.p_tuned == pytest.approx(explained.p_tuned, abs=1e-6)
        assert found.contributions == pytest.approx(explained.contributions, abs=1e-6)
        ranks = (explained.rank_base, explained.rank_tuned)
        assert (found.rank_base, found.rank_tuned) == ranks


def test_rows_that_are_kept_are_copied_besides() -> None:
    models = Tables(seed=5)
    plain = models.plain(SAMPLED)
    both = models.plain(SAMPLED, reducer=reducer(keep_rows=True))
    store = RowStore()
    for expected, step in zip(plain.steps, both.steps, strict=True):
        assert np.array_equal(step.kept_logits.experts[0], expected.kept_logits.experts[0])
        store.add(step)
        found = store.candidates(step.index)
        assert found.token_ids.tolist() == candidates_of(step).token_ids.tolist()
        assert len(found.token_ids) < len(candidates_of(expected).token_ids)  # which keeps more


def test_rows_on_the_host_are_combined_once() -> None:
    models = Tables(seed=2)
    plain = models.plain(SAMPLED)
    found = models.plain(
        SAMPLED, reducer=RowReducer(reduction(1, VOCABULARY, (5, 3)), keep_rows=False)
    )
    for expected, step in zip(plain.steps, found.steps, strict=True):
        assert (expected.combined, step.reduced) == (None, None)
        assert step.combined is not None
        assert np.array_equal(step.combined.tuned, tuned_logits(expected.kept_logits, (1.0,)))
        assert attribute_step(step) == attribute_step(expected)


def test_a_row_without_a_token_to_sample_is_an_error_with_its_logits() -> None:
    models = Tables(seed=1)
    models.models[1].table[:] = -3e38
    with pytest.raises(ModelError, match="leave no token") as caught:
        models.plain(GREEDY, reducer=reducer(keep_rows=False), alphas=lambda: (1000.0,))
    assert "pair 1 -3" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [False, True])
@pytest.mark.parametrize("keep_rows", [False, True])
def test_fused_steps_reduce_their_rows(drafts: bool, keep_rows: bool) -> None:
    both = Both(pairs=2, masked=(3, 200))
    made = reduction(2, tiny.VOCABULARY)
    made = replace(made, contexts=5, pairs=both.whole.pairs)
    alphas = [(0.7, 0.2)] * 9 + [(1.1, -0.4)] * 30  # one token is sampled again
    plain = Text(both.plainly, both.prompts, SAMPLED, alphas=iter(alphas).__next__)
    found = Text(
        both.whole,
        both.prompts,
        SAMPLED,
        alphas=iter(alphas).__next__,
        speculator=Speculator(clock=BaseClock(both.whole)) if drafts else None,
        reducer=RowReducer(made, keep_rows=keep_rows),
    )
    assert found.ids == plain.ids
    reduced = 0
    for expected, step in zip(plain.steps, found.steps, strict=True):
        rows = expected.kept_logits
        if step.reduced is not None:
            reduced += 1
            assert (step.logits is not None) == keep_rows
            assert step.combined is None
            ids = step.reduced.token_ids
            assert step.reduced.logits.base == pytest.approx(rows.base[ids], abs=1e-4)
            assert step.reduced.logits.experts[1] == pytest.approx(rows.experts[1][ids], abs=1e-4)
        explained, wanted = attribute_step(step), attribute_step(expected)
        assert explained.p_tuned == pytest.approx(wanted.p_tuned, abs=1e-5)
        assert explained.contributions == pytest.approx(wanted.contributions, abs=1e-5)
        assert explained.kl == pytest.approx(wanted.kl, abs=1e-4)
    assert reduced >= len(found.steps) - 2 - (len(found.steps) if drafts else 0) / 2
