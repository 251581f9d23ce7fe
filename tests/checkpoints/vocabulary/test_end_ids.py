"""End-of-sequence ids as configurations name them: in two places, in none, or beyond all tokens."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.spec import Recipe
from app.checkpoints.vocabulary.compare import end_ids
from tests import tiny


@pytest.mark.slow
@pytest.mark.parametrize("named", [None, 3, [0, tiny.VOCABULARY + 7]])
def test_a_model_for_images_names_its_ends_in_either_place(
    tiny_recipe: Recipe, tmp_path: Path, named: object
) -> None:
    text = tiny.make_model("gemma2", 1).config.to_dict() | {"model_type": "gemma3_text"}
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    vision |= {"num_attention_heads": 2, "image_size": 16, "patch_size": 8}
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    model = Gemma3ForConditionalGeneration(config)
    if named is not None:
        model.config.eos_token_id = named
    folder = tiny.save(model, tmp_path / "images")
    opened = open_recipe(replace(tiny_recipe, base=tiny.spec(folder)))
    wanted = set(named if isinstance(named, list) else [named]) - {None} | {0}
    assert end_ids(opened.roles[0]) == wanted
    found = preflight(opened, "the king")
    assert wanted <= load_recipe(opened, found.vocabulary.masked_ids).eos_ids


def test_an_end_that_no_tokenizer_has_is_told_and_no_error(
    tiny_recipe: Recipe, llama: tiny.Family, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(llama.base, tmp_path / "base"))
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token_id": [0, 151_643]}))
    found = preflight(open_recipe(replace(tiny_recipe, base=tiny.spec(folder))), "the king")
    (note,) = found.vocabulary.roles[1].notes
    assert "id 151643, which is no token" in note
