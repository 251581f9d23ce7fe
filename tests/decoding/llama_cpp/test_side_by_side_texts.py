"""Texts side by side over llama.cpp against each text decoded alone."""

from __future__ import annotations

from copy import deepcopy

import pytest

from app.decoding.combining import Pair
from app.decoding.ensemble import Ensemble
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.side_by_side import SideBySide
from app.decoding.speculative import Speculator
from tests.decoding.llama_cpp.conftest import Opened
from tests.decoding.llama_cpp.test_rows import EXACT
from tests.decoding.test_side_by_side import (
    ASKED,
    MODELS,
    check_like_alone,
    ensemble_of,
    inference,
    run,
)

__all__ = ["inference"]


@pytest.mark.slow
@pytest.mark.parametrize("drafts", [False, True])
def test_every_text_is_that_of_one_client(opened: Opened, *, drafts: bool) -> None:
    weights = [opened(model) for model in MODELS["llama"]]
    models = [LlamaCppLanguageModel(held, options=EXACT) for held in weights]
    ensemble = Ensemble(models, "abc", [Pair("p", 1, 2)])
    ensemble.prefixes.limit = 2**30
    side = SideBySide(ensemble, Speculator() if drafts else None)
    asked = deepcopy(ASKED)
    texts = run(side, asked)
    reference = ensemble_of(MODELS["llama"])  # of transformers
    for each, text in zip(asked, texts, strict=True):
        check_like_alone(each, text, reference)


@pytest.mark.slow
def test_windows_and_other_texts_change_nothing(opened: Opened) -> None:
    weights = [opened(model) for model in MODELS["gemma2"]]

    def ensemble() -> Ensemble:
        models = [LlamaCppLanguageModel(held, options=EXACT) for held in weights]
        return Ensemble(models, "abc", [Pair("p", 1, 2)])

    several, one = ensemble(), ensemble()
    several.prefixes.limit = 2**30
    asked = deepcopy(ASKED)
    texts = run(SideBySide(several), asked)
    for each, text in zip(asked, texts, strict=True):
        check_like_alone(each, text, one, 2e-3)  # GELU is a table in half precision
