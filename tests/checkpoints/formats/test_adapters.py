"""LoRA adapters: over the anti-expert's own tensors, equal to the merged model, or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PreTrainedModel

from app.checkpoints.formats.adapters import open_adapter
from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.sources import open_checkpoint
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.errors import Cancelled, CheckpointError, RecipeError
from tests import tiny

# PEFT asks transformers for a name that is going away.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")


@dataclass(frozen=True)
class Tuned:
    """An adapter, what it was trained on, and the model that it makes of it."""

    folder: Path
    over: Path
    merged: PreTrainedModel

    def recipe(self, base: Path, **options: Any) -> Recipe:
        """The adapter as the expert over the anti-expert."""
        expert = CheckpointSpec(
            f"adapter:{self.folder}",
            over=f"folder:{self.over}",
            **{"dtype": "float32", **options},
        )
        antiexpert = tiny.spec(self.over, **options)
        return Recipe("r", tiny.spec(base), (ExpertPair("A", expert, antiexpert),))


def train(over: Path, folder: Path, **settings: Any) -> Tuned:
    """Save an adapter with random weights, and merge it on a load of its own."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(11)
    base = AutoModelForCausalLM.from_pretrained(over, dtype=torch.float32)
    options: dict[str, Any] = {"r": 4, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    model = get_peft_model(base, LoraConfig(**options | settings))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return Tuned(folder, over, model.merge_and_unload().eval())


@pytest.fixture(scope="module")
def tuned(
    families: dict[str, tiny.Family], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Tuned]:
    root = tmp_path_factory.mktemp("adapters")
    return {
        name: train(family.antiexpert, root / name, fan_in_fan_out=name == "gpt2")
        for name, family in families.items()
    }


@pytest.fixture
def folder(tuned: dict[str, Tuned], tmp_path: Path) -> Path:
    """A good adapter that a test may damage."""
    return Path(shutil.copytree(tuned["llama"].folder, tmp_path / "adapter"))


def load(recipe: Recipe, **options: Any) -> LoadedRecipe:
    return load_recipe(open_recipe(recipe), (), **options)


def rows(loaded: LoadedRecipe, prompt: str = "the king said") -> tuple[torch.Tensor, list[int]]:
    """The logits of each role after ``prompt``, and its ids."""
    with torch.inference_mode():
        prompts = loaded.encode(prompt)
        return loaded.ensemble.prefill(prompts).rows[:, 0], prompts[0]


def answer(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.tensor([ids])).logits[0, -1]
    return logits


@pytest.mark.slow
@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_the_expert_equals_the_merged_model_and_the_antiexpert_stays(
    tuned: dict[str, Tuned], families: dict[str, tiny.Family], name: str
) -> None:
    family = families[name]
    (_, expert, antiexpert), ids = rows(load(tuned[name].recipe(family.base)))
    torch.testing.assert_close(expert, answer(tuned[name].merged, ids), atol=1e-4, rtol=0)
    torch.testing.assert_close(antiexpert, answer(family.models()[2], ids), atol=1e-4, rtol=0)
    assert (expert - antiexpert).abs().max() > 0.1


@pytest.fixture(scope="module")
def wide_tuned(wide: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """An adapter over a model that NF4 can hold on a CPU."""
    return train(wide, tmp_path_factory.mktemp("adapters") / "wide")


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "int8", "nf4"])
def test_the_pair_costs_one_model(llama: tiny.Family, wide_tuned: Tuned, quantization: str) -> None:
    """Every tensor of the anti-expert is the expert's too, before and after they are used."""
    recipe = wide_tuned.recipe(llama.base, quantization=quantization)
    loaded = load(recipe)
    rows(loaded)
    _, expert, antiexpert = (evaluation.model for evaluation in loaded.ensemble.models)
    own = {tensor.data_ptr(): tensor.nbytes for tensor in antiexpert.parameters()}
    lora = 0
    for parameter_name, tensor in expert.named_parameters():
        if "lora_" in parameter_name:
            lora += tensor.nbytes
            assert tensor.data_ptr() not in own
        else:
            assert tensor.data_ptr() in own, parameter_name
    assert 0 < lora < sum(own.values()) / 2
    without = load(replace(recipe, pairs=(ExpertPair("A", *[recipe.pairs[0].antiexpert] * 2),)))
    assert loaded.held_bytes()["cpu"] == without.held_bytes()["cpu"] + lora


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_an_adapter_over_a_quantized_model(
    wide: Path, llama: tiny.Family, wide_tuned: Tuned, quantization: str
) -> None:
    """The oracle is PEFT's own loading over the quantized model."""
    from peft import PeftModel
    from transformers import BitsAndBytesConfig

    options: dict[str, Any] = (
        {"load_in_8bit": True}
        if quantization == "int8"
        else {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    )
    base = AutoModelForCausalLM.from_pretrained(
        wide,
        dtype=torch.float32,
        device_map={"": "cpu"},
        quantization_config=BitsAndBytesConfig(**options),
    )
    oracle = PeftModel.from_pretrained(base, wide_tuned.folder).eval()
    for module in oracle.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    found, ids = rows(load(wide_tuned.recipe(llama.base, quantization=quantization)))
    torch.testing.assert_close(found[1], answer(oracle, ids), atol=1e-3, rtol=0)


@pytest.mark.slow
def test_an_adapter_is_told_as_it_runs(tuned: dict[str, Tuned], llama: tiny.Family) -> None:
    loaded = load(tuned["llama"].recipe(llama.base))
    _, expert, antiexpert = loaded.roles
    assert expert.source == f"adapter:{tuned['llama'].folder}"
    assert expert.over == antiexpert.source == f"folder:{llama.antiexpert}"
    assert (expert.shared, antiexpert.shared) == (False, True)
    assert expert.parameters > antiexpert.parameters


@pytest.mark.slow
def test_an_adapter_in_two_roles_is_evaluated_once(
    tuned: dict[str, Tuned], llama: tiny.Family
) -> None:
    recipe = tuned["llama"].recipe(llama.base)
    loaded = load(replace(recipe, pairs=recipe.pairs * 2))
    assert len(loaded.weights) == 3
    assert loaded.by_role("bea") == ["b", "e", "a", "e", "a"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"use_rslora": True},
        {"use_dora": True},
        {"bias": "lora_only"},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 32}},
    ],
)
def test_settings_of_peft_work(
    llama: tiny.Family, families: dict[str, tiny.Family], tmp_path: Path, settings: dict[str, Any]
) -> None:
    family = families["qwen2"] if "bias" in settings else llama
    adapter = train(family.antiexpert, tmp_path / "adapter", **settings)
    (_, expert, antiexpert), ids = rows(load(adapter.recipe(family.base)))
    torch.testing.assert_close(expert, answer(adapter.merged, ids), atol=1e-4, rtol=0)
    torch.testing.assert_close(antiexpert, answer(family.models()[2], ids), atol=1e-4, rtol=0)


def test_the_adapters_own_tokenizer_is_used(
    tuned: dict[str, Tuned], llama: tiny.Family, folder: Path
) -> None:
    """A tuned model often brings the chat template that its base has not."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(llama.antiexpert / name, folder)
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ m.content }}{% endfor %}!"
    )
    recipe = replace(tuned["llama"], folder=folder).recipe(llama.base)
    _, expert, antiexpert = open_recipe(recipe).roles
    assert expert.tokenizer.chat_template.endswith("!")
    assert not antiexpert.tokenizer.chat_template


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def configured(**changes: object) -> Callable[[Path], None]:
    return lambda folder: change_config(folder, **changes)


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def pickled(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


def cut(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def not_json(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("[" * 50_000)


def a_list(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("[]")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (removed("adapter_config.json"), r"There is no adapter_config\.json"),
        (not_json, "cannot be read"),
        (a_list, "does not hold a configuration"),
        (removed("adapter_model.safetensors"), "no weights of an adapter"),
        (pickled, r"can run code when opened.*adapter_model\.bin"),
        (cut, "is incomplete"),
        (configured(peft_type="IA3"), "of a kind that Tuneshift cannot use.*IA3"),
        (configured(peft_type=None), "of a kind that Tuneshift cannot use"),
        (configured(init_lora_weights="pissa_niter_4"), "changes the weights.*pissa"),
        (configured(layer_replication=[[0, 1]]), "changes the weights.*layer_replication"),
        (configured(init_lora_weights=3), None),
    ],
)
def test_files_of_an_adapter_that_cannot_be_used(
    folder: Path, damage: Callable[[Path], None], said: str | None
) -> None:
    damage(folder)
    if said is None:
        open_adapter(folder)
        return
    with pytest.raises(CheckpointError, match=said) as caught:
        open_adapter(folder)
    assert str(folder) in str(caught.value)


def test_a_missing_adapter(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is no folder"):
        open_adapter(tmp_path / "nowhere")


def edited(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path, {"format": "pt"})

    return damage


def without_one(tensors: dict[str, torch.Tensor]) -> None:
    del tensors[min(tensors)]


def with_one_of_another_layer(tensors: dict[str, torch.Tensor]) -> None:
    name = min(tensors)
    tensors[name.replace("layers.0", "layers.7")] = tensors[name].clone()


def with_integers(tensors: dict[str, torch.Tensor]) -> None:
    tensors[min(tensors)] = tensors[min(tensors)].to(torch.int64)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (edited(without_one), "1 of its weights are missing"),
        (edited(with_one_of_another_layer), r"do not exist in the model.*layers\.7"),
        (edited(with_integers), "dtype I64"),
        (configured(r=8), "size mismatch"),
        (configured(target_modules=["nowhere"]), "nowhere"),
        (configured(target_modules=7), "does not fit"),
        (configured(r="many"), "does not fit"),
    ],
)
def test_weights_that_do_not_fit_are_refused_before_the_model_is_read(
    tuned: dict[str, Tuned],
    llama: tiny.Family,
    folder: Path,
    damage: Callable[[Path], None],
    said: str,
) -> None:
    damage(folder)
    with pytest.raises(CheckpointError, match=said) as caught:
        open_recipe(replace(tuned["llama"], folder=folder).recipe(llama.base))
    assert str(llama.antiexpert) in caught.value.evidence  # what it was trained on
    assert "over" in caught.value.next_step


def test_settings_of_a_newer_peft_are_refused(
    tuned: dict[str, Tuned], llama: tiny.Family, folder: Path
) -> None:
    change_config(folder, use_something_new=False, peft_version="99.0")
    recipe = replace(tuned["llama"], folder=folder).recipe(llama.base)
    open_recipe(recipe)
    change_config(folder, use_something_new=True)
    with pytest.raises(CheckpointError, match=r"newer PEFT.*use_something_new"):
        open_recipe(recipe)


def test_an_adapter_for_another_model_is_refused(
    tuned: dict[str, Tuned], families: dict[str, tiny.Family], tmp_path: Path
) -> None:
    for other in (families["gpt2"].antiexpert, families["qwen2"].antiexpert):
        recipe = replace(tuned["llama"], over=other).recipe(families["llama"].base)
        with pytest.raises(CheckpointError, match="does not fit the model that it is over"):
            open_recipe(recipe)


def test_an_adapter_over_an_adapter_is_refused(tuned: dict[str, Tuned]) -> None:
    source = f"adapter:{tuned['llama'].folder}"
    with pytest.raises(RecipeError, match="cannot adapt another adapter"):
        open_checkpoint(CheckpointSpec(source, over=source))


def test_cancelled_before_the_adapter_is_read(tuned: dict[str, Tuned], llama: tiny.Family) -> None:
    seen: list[str] = []
    expert = "expert “A”"

    def cancelled() -> bool:
        return seen[-2:] == [expert, expert] and seen.count(expert) > 20

    with pytest.raises(Cancelled):
        load(
            tuned["llama"].recipe(llama.base),
            on_progress=lambda progress: seen.append(progress.role),
            cancelled=cancelled,
        )
