"""Answers to batches with a pair of another vocabulary are those of the decoder of one text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from transformers import AutoModelForCausalLM

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.decoding.batched_ensemble import BatchedEnsemble
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.opinion import Opinion
from app.decoding.decode import TextPrefix, decode
from app.decoding.types import GenerationConfig, TokenStep
from app.evaluation.encoding import Encoder
from app.evaluation.evaluator import Evaluator
from app.evaluation.loading import ModelLoader
from app.evaluation.requests import GenerateRequest, Prompt, ScoreRequest
from app.evaluation.variants import Variant, variants_of
from tests import tiny
from tests.bridged_recipes import bridged_recipe

pytestmark = pytest.mark.slow
PROMPTS = ["the king", "thou art 12 and the queen", "x"]
ANSWERS = [" is in the garden with\n\n  the apples", " 42 각하 é", " and the king said"]
CONFIG = GenerationConfig(max_new_tokens=14, temperature=0.9, top_p=1.0, seed=5)
ALPHA = 0.7


@pytest.fixture(scope="module")
def loaded(
    families: dict[str, tiny.Family], tmp_path_factory: pytest.TempPathFactory
) -> LoadedRecipe:
    """A recipe whose base is sure of some tokens that the pair needs several for."""
    folder = tmp_path_factory.mktemp("bridged")
    recipe = bridged_recipe(families["llama"], folder)
    model = AutoModelForCausalLM.from_pretrained(families["llama"].base, dtype=torch.float32)
    model.lm_head.weight.data.mul_(12.0)
    base = tiny.save(model, folder / "base", tiny.make_tokenizer())
    return ModelLoader().load(recipe.with_role(0, replace(recipe.base, source=f"folder:{base}")))


def variant(loaded: LoadedRecipe, role: str) -> Variant:
    (found,) = variants_of(loaded.recipe, [role], [ALPHA], lambda model: loaded.recipe)
    return found


def steps(
    loaded: LoadedRecipe, prompts: Sequence[Sequence[int]], config: GenerationConfig, *forced: int
) -> list[TokenStep]:
    """The text of the decoder of one text."""
    with torch.inference_mode():
        return list(
            decode(
                loaded.ensemble,
                prompts,
                config,
                detokenizer=loaded.detokenizer(prompts[0]),
                eos_ids=loaded.eos_ids,
                alphas=lambda: (ALPHA,),
                prefix=TextPrefix(forced=forced),
            )
        )


def tuned_logprob(step: TokenStep) -> float:
    logits = step.kept_logits
    base, expert, anti = (
        np.asarray(row, np.float64)
        for row in (logits.base, logits.experts[0], logits.antiexperts[0])
    )
    return float(log_softmax(base + ALPHA * (expert - anti))[step.token_id])


def refined(loaded: LoadedRecipe, step: TokenStep) -> bool:
    """Whether the pair has an exact opinion of more than it has from first pieces alone."""
    base = torch.tensor(step.kept_logits.base).softmax(0)
    bridge = loaded.ensemble.models[1].bridge  # type: ignore[attr-defined]
    assert step.coverage is not None
    return step.coverage.exact > float(base @ bridge.exact) + 1e-3


def shares_of(step: TokenStep) -> tuple[float, float]:
    """The exact and the bounded share of a step."""
    assert step.coverage is not None
    return step.coverage.exact, step.coverage.bounded


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_generated_texts_are_those_of_one_text_alone(
    loaded: LoadedRecipe, temperature: float
) -> None:
    config = replace(CONFIG, temperature=temperature)
    asked = [GenerateRequest(Prompt(prompt), config) for prompt in PROMPTS]
    found = dict(Evaluator(loaded).generate(asked, variant(loaded, "tuned")))
    alone = [steps(loaded, loaded.encode(prompt), config) for prompt in PROMPTS]
    assert any(refined(loaded, step) for text in alone for step in text)
    for place, text in enumerate(alone):
        assert found[place].text == "".join(step.text for step in text)
        coverage = found[place].coverage
        assert coverage is not None
        shares = np.mean(list(map(shares_of, text)), axis=0)
        assert (coverage.exact, coverage.bounded) == pytest.approx(shares, abs=1e-4)


def test_scores_are_those_of_one_text_alone(loaded: LoadedRecipe) -> None:
    asked = [
        ScoreRequest(answer, Prompt(prompt))
        for prompt, answer in zip(PROMPTS, ANSWERS, strict=True)
    ]
    found = dict(Evaluator(loaded).score(asked, [variant(loaded, "tuned")]))
    for place, request in enumerate(asked):
        (continuation,) = Encoder(loaded).continuations(request)
        tokens = continuation.tokens
        config = replace(CONFIG, max_new_tokens=len(tokens))
        text = steps(loaded, continuation.prompts, config, *tokens)
        (score,) = found[place]
        assert score.logprob == pytest.approx(sum(map(tuned_logprob, text)), abs=1e-3)
        assert score.covered is not None
        shares = np.sum(list(map(shares_of, text)), axis=0)
        assert (score.covered.exact, score.covered.bounded) == pytest.approx(shares, abs=1e-3)


def test_a_given_token_is_read_piece_by_piece_however_unlikely_it_is(loaded: LoadedRecipe) -> None:
    request = ScoreRequest(ANSWERS[0], Prompt(PROMPTS[0]))
    ((_, (score,)),) = Evaluator(loaded).score([request], [variant(loaded, "expert")])
    assert score.covered is None
    model = loaded.ensemble.models[1]
    assert isinstance(model, BridgedLanguageModel)
    (continuation,) = Encoder(loaded, 1).continuations(request)
    expected = 0.0
    with torch.inference_mode():
        alone = model.another()
        row = alone.extend(torch.tensor(continuation.prompts[0]))[0]
        for token in continuation.tokens:
            if model.bridge.opinions[token] == Opinion.BOUNDED:
                row, known = alone.refined(alone.length, [token])
                assert known == [token]
            expected += float(row.log_softmax(0)[token])
            row = alone.extend(torch.tensor([token]))[0]
    assert score.logprob == pytest.approx(expected, abs=1e-3)


def test_rows_of_texts_that_share_a_vocabulary_are_left_as_they_are(llama: tiny.Family) -> None:
    loaded = ModelLoader().load(llama.recipe())
    batch = BatchedEnsemble(loaded.ensemble)
    with torch.inference_mode():
        prompts = list(zip(*map(loaded.encode, PROMPTS), strict=True))
        logits = batch.prefill(prompts)
        before = logits.rows.clone()
        assert batch.refine(logits) is None
    assert torch.equal(logits.rows, before)
