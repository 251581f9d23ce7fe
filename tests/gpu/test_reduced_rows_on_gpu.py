"""Rows that are reduced on the GPU: the numbers of the processor, from any kind of step."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from app.attribution.attribution import attribute
from app.attribution.candidates import keep_candidates
from app.attribution.step_attribution import attribute_reduced, reduced_candidates
from app.decoding.combining import Pair
from app.decoding.ensemble import Ensemble
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.row_reduction import RowReducer
from tests import tiny
from tests.attribution.test_step_attribution import ALPHAS, invent, reduction
from tests.decoding.test_speculative_models import near
from tests.decoding.texts import SAMPLED, Text
from tests.gpu.target import capture_on

VOCABULARY = 151_936


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [0, 1, 2, 3])
def test_a_reduction_gives_what_it_gives_on_a_cpu(device: torch.device, pairs: int) -> None:
    made = reduction(pairs, VOCABULARY)
    rows, tokens = invent(made.contexts, 3, VOCABULARY), torch.tensor([5, 17, 151_000])
    alphas = torch.tensor(ALPHAS[:pairs])
    there = made(rows.to(device), tokens.to(device), alphas.to(device)).cpu().numpy()
    for mine, its in zip(made(rows, tokens, alphas).numpy(), there, strict=True):
        here, found = made.unpack(mine), made.unpack(its)
        for name in ("token_ids", "rank_base", "rank_tuned", "tuned"):
            assert np.array_equal(getattr(here, name), getattr(found, name)), name
        for name in ("subset_log_normalizers", "log_normalizers", "entropy_tuned", "kl"):
            assert getattr(here, name) == pytest.approx(getattr(found, name), abs=1e-4), name


@pytest.mark.slow
@pytest.mark.parametrize("captured", [False, True])
def test_tokens_have_the_attribution_and_the_candidates_of_their_rows(
    device: torch.device, captured: bool
) -> None:
    base = tiny.make_model("llama", 5).to(device)
    models = [base, *(near(base, seed) for seed in range(2))]
    language_models: list[LanguageModel] = [
        GraphedLanguageModel(model, capture=capture_on(device))
        if captured
        else TransformersLanguageModel(model)
        for model in models
    ]
    ensemble = Ensemble(language_models, ["a", "b", "c"], [Pair("p", 1, 2)])
    made = replace(reduction(1, tiny.VOCABULARY), pairs=ensemble.pairs)
    reducer = RowReducer(made, keep_rows=True, everywhere=True)
    text = Text(ensemble, [[3, 1, 4, 1, 5]] * 3, SAMPLED, reducer=reducer)
    for step in text.steps:
        assert step.reduced is not None
        logits = step.kept_logits
        found, exact = (
            attribute_reduced(step.reduced, step.alphas),
            attribute(logits, step.alphas, step.token_id),
        )
        for item in fields(exact):
            values = (getattr(found, item.name), getattr(exact, item.name))
            assert values[0] == pytest.approx(values[1], abs=1e-4), item.name
        candidates = reduced_candidates(step.reduced, step.alphas)
        kept = keep_candidates(logits, step.alphas, step.token_id)
        assert candidates.token_ids.tolist() == kept.token_ids.tolist()
        assert candidates.rank_base.tolist() == kept.rank_base.tolist()
        assert candidates.rank_tuned.tolist() == kept.rank_tuned.tolist()
