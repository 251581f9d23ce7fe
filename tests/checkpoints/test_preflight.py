"""What is said of a recipe before its weights are read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from app.checkpoints.formats.adapters import AdapterFiles
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.preflight_report import MemoryEstimate, Verdict
from app.checkpoints.spec import Recipe
from app.checkpoints.vocabulary.compare import compare_vocabularies
from app.checkpoints.warnings import warnings as warnings_of
from tests import tiny

ChangedFolder = Callable[..., Path]


@pytest.fixture
def changed(tmp_path: Path) -> ChangedFolder:
    """Makes a copy of a checkpoint whose config.json says something else."""

    def make(folder: Path, **changes: object) -> Path:
        copy = Path(shutil.copytree(folder, tmp_path / f"model{len(list(tmp_path.iterdir()))}"))
        path = copy / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        return copy

    return make


def warnings(recipe: Recipe) -> tuple[str, ...]:
    return preflight(open_recipe(recipe)).warnings


def with_expert(recipe: Recipe, folder: Path, alpha: float = 1.0, **options: str) -> Recipe:
    pair = replace(recipe.pairs[0], expert=tiny.spec(folder, **options), alpha=alpha)
    return replace(recipe, pairs=(pair,))


def test_a_plain_recipe_has_no_warnings(tiny_recipe: Recipe) -> None:
    found = preflight(open_recipe(tiny_recipe))
    assert found.recipe == tiny_recipe
    assert found.warnings == ()
    assert [role.verdict for role in found.vocabulary.roles] == [Verdict.IDENTICAL] * 3
    assert [prompt.text for prompt in found.prompts] == ["the king"] * 3


def test_the_prompt_that_is_typed_replaces_the_sample(tiny_recipe: Recipe) -> None:
    found = preflight(open_recipe(tiny_recipe), "12 + 30")
    assert {prompt.text for prompt in found.prompts} == {"12 + 30"}


def test_softcapping_on_one_side_only(
    families: dict[str, tiny.Family], changed: ChangedFolder
) -> None:
    gemma = families["gemma2"]
    assert warnings(gemma.recipe()) == ()
    uncapped = changed(gemma.expert, final_logit_softcapping=None)
    (said,) = warnings(with_expert(gemma.recipe(), uncapped))
    assert "(base 30.0, expert “Style” none, anti-expert “Style” 30.0)" in said


@pytest.mark.parametrize(("alpha", "chat", "warned"), [(-1, 1, 1), (-1, 0, 0), (1, 1, 0)])
def test_a_negative_alpha_on_an_expert_for_conversation(
    llama: tiny.Family, changed: ChangedFolder, alpha: float, chat: bool, warned: bool
) -> None:
    folder = changed(llama.expert)
    if chat:
        (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    said = warnings(with_expert(llama.recipe(), folder, alpha))
    assert len(said) == warned
    assert all("α of “Style” is negative" in sentence for sentence in said)


def test_ids_that_cannot_be_accepted(llama: tiny.Family) -> None:
    recipe = replace(llama.recipe(), accepted_ids=(3, tiny.VOCABULARY, tiny.VOCABULARY + 9))
    (said,) = warnings(recipe)
    assert said.endswith("which stay masked: 320, 329.")


@pytest.mark.parametrize("accepted", [False, True])
def test_an_end_of_the_expert_that_is_masked(
    llama: tiny.Family, changed: ChangedFolder, accepted: bool
) -> None:
    """As with DeepSeek-R1-Distill, whose end of sequence has another name in Qwen."""
    folder = changed(llama.expert)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        path = folder / name
        path.write_text(path.read_text().replace(tiny.EOS, "<｜end｜>"))
    recipe = replace(with_expert(llama.recipe(), folder), accepted_ids=(0,) if accepted else ())
    found = preflight(open_recipe(recipe))
    assert found.vocabulary.roles[1].verdict is Verdict.FEW
    if accepted:
        assert found.warnings == ()
        assert 0 not in found.vocabulary.masked_ids
    else:
        (said,) = found.warnings
        assert "ends its texts with “<｜end｜>” (0), which is masked" in said


def test_an_adapter_of_another_model_on_the_hub(tiny_recipe: Recipe) -> None:
    opened = open_recipe(tiny_recipe)
    expert = opened.roles[1]
    adapter = cast(AdapterFiles, SimpleNamespace(base_name="owner/small"))
    files = replace(expert.files, adapter=adapter)

    def said(over: str) -> list[str]:
        role = replace(expert, spec=replace(expert.spec, over=over), files=files)
        adapted = replace(opened, roles=(opened.roles[0], role, opened.roles[2]))
        vocabulary, memory = compare_vocabularies(adapted), MemoryEstimate(0, ())
        return list(warnings_of(adapted, vocabulary, memory, "the king"))

    assert said("hub:Owner/Small@main") == []
    assert said("folder:/models/anything") == []
    assert said("hub:owner/other") == [
        "The adapter of the expert “Style” was trained on owner/small, not owner/other."
    ]


def test_a_kv_cache_that_cannot_be_counted_is_said(
    families: dict[str, tiny.Family], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration that does not name the heads of its layers does not stand in the way."""
    opened = open_recipe(families["gpt2"].recipe())
    monkeypatch.setattr(type(opened.roles[0].config), "per_layer_config", property(_unknown))
    found = preflight(opened)
    assert found.memory.uncounted == ("base", "expert “Style”", "anti-expert “Style”")
    assert any("does not say how large its KV cache is" in said for said in found.warnings)


def _unknown(config: object) -> object:
    raise ValueError("every layer has its own")
