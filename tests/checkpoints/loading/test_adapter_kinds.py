"""Every kind of adapter that PEFT can save: applied as PEFT applies it, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, PeftType, get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel, PreTrainedTokenizerFast

from app.checkpoints.formats.adapters import open_adapter
from app.checkpoints.loading.loader import load_recipe
from app.checkpoints.opening import open_recipe
from app.checkpoints.preflight import preflight
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.errors import CheckpointError
from tests import tiny

pytestmark = pytest.mark.filterwarnings("ignore")  # PEFT's, of the kinds that are tried

PROMPT = "the king said to the daughter"
IDS = tiny.make_tokenizer().encode(PROMPT).ids
LORA: dict[str, Any] = {"r": 4, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}


def train(model: PreTrainedModel, folder: Path, **settings: Any) -> Path:
    """Save an adapter of ``model`` with random weights."""
    torch.manual_seed(11)
    tuned = get_peft_model(model, LoraConfig(**LORA | settings))
    with torch.no_grad():
        for parameter in tuned.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    tuned.save_pretrained(folder)
    return folder


def read(folder: Path, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    return model


@torch.inference_mode()
def answer(model: torch.nn.Module) -> torch.Tensor:
    """The logits after the prompt, by one plain forward."""
    logits: torch.Tensor = model(input_ids=torch.tensor([IDS]), use_cache=False).logits[0, -1]
    return logits.float()


def recipe(adapter: Path, over: Path, base: Path, dtype: str = "float32") -> Recipe:
    expert = CheckpointSpec(f"adapter:{adapter}", over=f"folder:{over}", dtype=dtype)
    pair = ExpertPair("A", expert, tiny.spec(over, dtype=dtype))
    return Recipe("r", tiny.spec(base, dtype=dtype), (pair,))


@torch.inference_mode()
def rows(asked: Recipe) -> torch.Tensor:
    """The logits of each role after the prompt."""
    opened = open_recipe(asked)
    loaded = load_recipe(opened, preflight(opened, PROMPT).vocabulary.masked_ids)
    return loaded.ensemble.prefill(loaded.encode(PROMPT)).rows[:, 0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True},
        {"use_dora": True},
        {"bias": "all"},
        {"lora_bias": True},
        {"exclude_modules": ["k_proj"]},
        {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "layers"},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 32}},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head", "embed_tokens", "norm"]},
        {"target_modules": ["q_proj", "embed_tokens", "lm_head"]},
        {"target_modules": ["q_proj"], "trainable_token_indices": [5, IDS[3]]},
        {"target_modules": ["q_proj"], "trainable_token_indices": {"embed_tokens": [IDS[2]]}},
        {"init_lora_weights": "gaussian"},
        {"init_lora_weights": "orthogonal"},
        {"init_lora_weights": "mica"},
    ],
    ids=lambda settings: "-".join(settings) or "plain",
)
def test_an_adapter_is_applied_as_peft_applies_it(
    llama: tiny.Family, tmp_path: Path, settings: dict[str, Any]
) -> None:
    adapter = train(read(llama.antiexpert), tmp_path / "adapter", **settings)
    oracle = PeftModel.from_pretrained(read(llama.antiexpert), adapter).eval()
    _, expert, antiexpert = rows(recipe(adapter, llama.antiexpert, llama.base))
    torch.testing.assert_close(expert, answer(oracle), atol=1e-4, rtol=0)
    torch.testing.assert_close(antiexpert, answer(read(llama.antiexpert)), atol=1e-4, rtol=0)
    assert (expert - antiexpert).abs().max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("stored", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_whatever_it_is_stored_in_it_is_computed_as_peft_computes_it(
    llama: tiny.Family, tmp_path: Path, stored: torch.dtype, dtype: str
) -> None:
    """PEFT keeps an adapter in float32, and layers that are saved whole in the model's dtype."""
    settings = {"target_modules": ["q_proj", "down_proj"], "modules_to_save": ["lm_head"]}
    adapter = train(read(llama.antiexpert), tmp_path / "adapter", **settings)
    path = adapter / "adapter_model.safetensors"
    tensors = {name: tensor.to(stored) for name, tensor in load_file(path).items()}
    save_file(tensors, path, {"format": "pt"})
    model = read(llama.antiexpert, getattr(torch, dtype))
    oracle = PeftModel.from_pretrained(model, adapter).eval()
    expert = rows(recipe(adapter, llama.antiexpert, llama.base, dtype))[1]
    most = 1e-4 if dtype == "float32" else 0.05
    torch.testing.assert_close(expert, answer(oracle), atol=most, rtol=0)


def with_tied_weights(folder: Path) -> Path:
    config = LlamaConfig(
        **tiny.make_model("llama", 1).config.to_dict() | {"tie_word_embeddings": True}
    )
    return tiny.save(tiny.random_model(config, 5), folder)


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": ["q_proj", "v_proj"]},
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens", "lm_head"]},
        {"target_modules": ["q_proj"], "trainable_token_indices": [IDS[3], tiny.VOCABULARY + 1]},
    ],
    ids=["lora", "saved whole", "tokens"],
)
def test_an_adapter_that_was_trained_after_tokens_had_been_added(
    llama: tiny.Family, tmp_path: Path, settings: dict[str, Any], tied: bool
) -> None:
    """The expert has the rows of the added tokens, and the anti-expert keeps its own."""
    over = with_tied_weights(tmp_path / "over") if tied else llama.antiexpert
    tokenizer = PreTrainedTokenizerFast.from_pretrained(over)
    tokenizer.add_tokens(["<|im_start|>", "<|im_end|>"], special_tokens=True)
    model = read(over)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    adapter = train(model, tmp_path / "adapter", **settings)
    tokenizer.save_pretrained(adapter)
    resized = read(over)
    resized.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    oracle = PeftModel.from_pretrained(resized, adapter).eval()
    asked = recipe(adapter, over, llama.base)
    found = preflight(open_recipe(asked), PROMPT)
    assert [role.rows for role in found.vocabulary.roles] == [
        tiny.VOCABULARY,
        len(tokenizer),
        tiny.VOCABULARY,
    ]
    _, expert, antiexpert = rows(asked)
    wanted = answer(oracle)[: tiny.VOCABULARY]
    torch.testing.assert_close(expert, wanted, atol=1e-4, rtol=0)
    torch.testing.assert_close(antiexpert, answer(read(over)), atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in PeftType if kind is not PeftType.LORA])
def test_adapters_of_other_kinds_are_refused_by_name(tmp_path: Path, kind: PeftType) -> None:
    try:
        PEFT_TYPE_TO_CONFIG_MAPPING[kind]().save_pretrained(tmp_path)
    except (KeyError, TypeError, ValueError):  # it has settings without a default
        (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": kind.value}))
    with pytest.raises(CheckpointError, match=rf"cannot use \(it is {kind.value}\)"):
        open_adapter(tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"alora_invocation_tokens": IDS[4:6]}, "active only after certain tokens"),
        ({"target_parameters": ["q_proj.weight"]}, "changes the weights.*target_parameters"),
        ({"layer_replication": [[0, 2], [1, 2]]}, "changes the weights.*layer_replication"),
        ({"kasa_config": {}}, "changes the weights.*kasa_config"),
        ({"arrow_config": {"top_k": 2}}, "chooses between several adapters"),
        ({"monteclora_config": {"a": 1}}, "sampled at random"),
        ({"use_bdlora": {"nblocks": 2}}, "several devices"),
        ({"megatron_config": {"a": 1}}, "for Megatron models"),
        ({"init_lora_weights": "pissa_niter_4"}, "changes the weights.*pissa_niter_4"),
        ({"init_lora_weights": "olora"}, "changes the weights.*olora"),
        ({"init_lora_weights": "corda"}, "changes the weights.*corda"),
        ({"init_lora_weights": "loftq"}, "changes the weights.*loftq"),
        ({"init_lora_weights": "lora_ga"}, "changes the weights.*lora_ga"),
    ],
)
def test_settings_that_cannot_be_applied_are_refused_by_name(
    llama: tiny.Family, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    adapter = train(read(llama.antiexpert), tmp_path / "adapter")
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    with pytest.raises(CheckpointError, match=said):
        open_recipe(recipe(adapter, llama.antiexpert, llama.base))
