"""Configurations read without transformers, against what transformers makes of the same files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from app.checkpoints.memory.measured_footprint import measure_footprint
from app.checkpoints.memory.plain_footprint import plain_footprint
from app.checkpoints.plain_configuration import FAMILIES, PlainConfiguration, plain_configuration
from app.decoding.context_limit import context_limit

_SIZES: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 1024,
    "rms_norm_eps": 1e-06,
    "pad_token_id": None,
}
_YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256}
_LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}
_VARIANTS: dict[str, dict[str, Any]] = {
    "sizes alone": {},
    "as transformers 4 wrote it": {
        "rope_theta": 1e6,
        "rope_scaling": None,
        "torch_dtype": "bfloat16",
        "bos_token_id": 1,
        "eos_token_id": [3, 4],
        "use_cache": True,
        "transformers_version": "4.40.0",
    },
    "as transformers 5 writes it": {
        "rope_parameters": {"rope_theta": 1e4, "rope_type": "default"},
        "dtype": "float16",
        "eos_token_id": 5,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
    },
    "tied": {"tie_word_embeddings": True},
    "not tied": {"tie_word_embeddings": False},
    "a head wider than its share": {"head_dim": 16},
    "one query for one key": {"num_key_value_heads": 4},
    "biases": {"attention_bias": True},
    "linear scaling": {"rope_scaling": {"type": "linear", "factor": 2.0}},
    "dynamic scaling": {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}},
    "yarn": {"rope_scaling": _YARN},
    "yarn over its own length": {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    "llama3": {"rope_scaling": _LLAMA3},
    "no end": {"eos_token_id": None},
    "capped": {"final_logit_softcapping": 20.0},
    "sliding windows": {
        "sliding_window": 64,
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
    },
}
_OF_ONE_FAMILY: list[tuple[str, dict[str, Any]]] = [
    ("llama", {"mlp_bias": True}),
    ("llama", {"mlp_bias": True, "attention_bias": True}),
    ("llama", {"num_key_value_heads": None, "head_dim": None}),
    ("mistral", {"head_dim": None}),
    ("qwen2", {"use_sliding_window": True, "sliding_window": 32}),
    ("gemma2", {"final_logit_softcapping": None, "hidden_activation": "gelu_pytorch_tanh"}),
]


def _read(folder: Path, values: dict[str, Any]) -> tuple[PlainConfiguration | None, Any]:
    (folder / "config.json").write_text(json.dumps(values))
    return plain_configuration(values), AutoConfig.from_pretrained(folder, local_files_only=True)


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        *(
            pytest.param(kind, changed, id=f"{kind}: {name}")
            for kind in FAMILIES
            for name, changed in _VARIANTS.items()
        ),
        *(pytest.param(kind, changed, id=f"{kind}: {changed}") for kind, changed in _OF_ONE_FAMILY),
    ],
)
def test_what_transformers_reads(tmp_path: Path, kind: str, changed: dict[str, Any]) -> None:
    values = {"model_type": kind, **_SIZES, **changed}
    values = {name: value for name, value in values.items() if value is not None or name in changed}
    plain, full = _read(tmp_path, values)
    assert plain is not None
    for name in ("vocab_size", "eos_token_id", "tie_word_embeddings"):
        assert getattr(plain, name) == getattr(full, name), name
    capped = getattr(full, "final_logit_softcapping", None)
    assert plain.final_logit_softcapping == capped
    assert str(plain.dtype) == str(full.dtype).removeprefix("torch.")
    for limit in (None, 512, 2048):
        assert context_limit(plain, limit) == context_limit(full, limit)
    assert plain_footprint(plain) == measure_footprint(full)


@pytest.mark.parametrize(
    "changed",
    [
        {"model_type": "gpt2"},
        {"model_type": ["llama"]},
        {"quantization_config": {"quant_method": "fp8"}},
        {"auto_map": {"AutoConfig": "configuration.py"}},
        {"architectures": ["LlamaForSequenceClassification"]},
        {"hidden_size": "32"},
        {"hidden_size": 34},
        {"head_dim": 7},
        {"model_type": "qwen2", "head_dim": None},
        {"model_type": "qwen3", "head_dim": None},
        {"rope_theta": None},
        {"rope_parameters": {"rope_theta": None}},
        {"vocab_size": True},
        {"num_hidden_layers": 0},
        {"num_key_value_heads": 3},
        {"hidden_act": "unheard of"},
        {"dtype": "float64"},
        {"rms_norm_eps": "small"},
        {"initializer_range": 3.0},
        {"tie_word_embeddings": "yes"},
        {"pad_token_id": 96},
        {"eos_token_id": "</s>"},
        {"eos_token_id": [1, None, "x"]},
        {"layer_types": ["full_attention"]},
        {"layer_types": ["mamba"] * 3},
        {"rope_scaling": {"rope_type": "longrope", "factor": 2.0}},
        {"rope_scaling": {"rope_type": "linear"}},
        {"rope_scaling": "linear"},
        {"rope_scaling": {"rope_type": []}},
        {"rope_parameters": {"full_attention": {"rope_type": "default"}}},
        {"kv_lora_rank": 8},
    ],
)
def test_what_is_unusual_is_left_to_transformers(changed: dict[str, Any]) -> None:
    assert plain_configuration({"model_type": "llama", **_SIZES, **changed}) is None


@pytest.mark.parametrize("missing", ["num_key_value_heads", "vocab_size", "model_type"])
def test_defaults_of_sizes_are_left_to_transformers(missing: str) -> None:
    values = {"model_type": "qwen2", **_SIZES}
    del values[missing]
    assert plain_configuration(values) is None


def test_no_family_is_an_encoder() -> None:
    assert not FAMILIES.keys() & MODEL_FOR_MASKED_LM_MAPPING_NAMES.keys()
