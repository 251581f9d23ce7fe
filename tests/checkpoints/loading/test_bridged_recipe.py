"""A recipe whose pair has another vocabulary, from its file to its text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.checkpoints.vocabulary.compare import require_shared
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.decode import decode
from app.decoding.types import GenerationConfig
from app.errors import VocabularyError
from tests import tiny
from tests.bridged_recipes import bridged_recipe
from tests.decoding.bridge.two_vocabularies import tokenizer

pytestmark = pytest.mark.slow


@pytest.fixture
def recipe(llama: tiny.Family, tmp_path: Path) -> Recipe:
    return bridged_recipe(llama, tmp_path)


def load(recipe: Recipe) -> LoadedRecipe:
    opened = open_recipe(recipe)
    report = preflight(opened).vocabulary
    require_shared(report)
    return load_recipe(opened, report.masked_ids, bridged=report.bridged)


def texts(loaded: LoadedRecipe, alpha: float) -> list[int]:
    with torch.inference_mode():
        prompts = loaded.encode("the king")
        steps = decode(
            loaded.ensemble,
            prompts,
            GenerationConfig(max_new_tokens=12, seed=3),
            detokenizer=loaded.detokenizer(prompts[0]),
            eos_ids=loaded.eos_ids,
            alphas=lambda: (alpha,),
        )
        return [step.token_id for step in steps]


def test_each_role_reads_the_prompt_in_its_own_tokenizer_and_template(recipe: Recipe) -> None:
    loaded = load(recipe)
    base, expert, _ = loaded.encode("the king")
    model = loaded.ensemble.models[1]
    assert isinstance(model, BridgedLanguageModel)
    own = [each - model.vocabulary_size for each in expert]
    shown = tokenizer(300, 2).decode(own, skip_special_tokens=False)
    assert shown == "[user]the king\n[assistant]"
    assert max(base) < model.vocabulary_size


def test_the_pair_changes_the_text_and_alpha_zero_does_not(
    recipe: Recipe, llama: tiny.Family
) -> None:
    loaded = load(recipe)
    alone = load(llama.recipe())
    assert texts(loaded, 0.0) == texts(alone, 0.0)
    assert texts(loaded, 3.0) != texts(alone, 0.0)


def test_a_recipe_may_ask_for_a_shared_vocabulary(recipe: Recipe) -> None:
    base = CheckpointSpec(recipe.base.source, dtype="float32", vocabulary="shared")
    with pytest.raises(VocabularyError, match="has another vocabulary than the base"):
        load(replace(recipe, base=base))


def test_a_pair_may_be_strict_by_itself(recipe: Recipe) -> None:
    pairs = (recipe.pairs[0], replace(recipe.pairs[0], name="B", vocabulary="strict"))
    models = load(replace(recipe, pairs=pairs)).ensemble.models
    strict = [each.bridge.strict for each in models if isinstance(each, BridgedLanguageModel)]
    assert strict == [False, False, True, True]
