"""How long a text may be, by what configurations and tokenizers of published models say."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import CONFIG_MAPPING

from app.decoding.context_limit import context_limit

_YARN = {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0}
_LLAMA_3 = {
    "rope_type": "llama3",
    "rope_theta": 5e5,
    "factor": 32.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
_CASES: dict[str, tuple[str, dict[str, Any], int | None, int | None]] = {
    "nothing is scaled": ("llama", {"max_position_embeddings": 4096}, None, 4096),
    "another name for it": ("gpt2", {"n_positions": 1024}, 512, 1024),
    "yarn as Qwen says to switch it on": (
        "qwen3",
        {
            "max_position_embeddings": 40960,
            "rope_parameters": _YARN | {"original_max_position_embeddings": 32768},
        },
        131072,
        131072,
    ),
    "yarn without the original": (
        "qwen3",
        {"max_position_embeddings": 32768, "rope_parameters": _YARN},
        None,
        131072,
    ),
    "yarn that is counted already": (
        "deepseek_v3",
        {
            "max_position_embeddings": 163840,
            "rope_parameters": _YARN | {"factor": 40, "original_max_position_embeddings": 4096},
        },
        None,
        163840,
    ),
    "Llama 3.2, which is counted": (
        "llama",
        {"max_position_embeddings": 131072, "rope_parameters": _LLAMA_3},
        None,
        131072,
    ),
    "linear, not counted, as Vicuna 16k": (
        "llama",
        {
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0},
        },
        16384,
        16384,
    ),
    "linear, counted, as DeepSeek Coder: the tokenizer knows": (
        "llama",
        {
            "max_position_embeddings": 16384,
            "rope_parameters": {"rope_type": "linear", "rope_theta": 1e5, "factor": 4.0},
        },
        16384,
        16384,
    ),
    "dynamic": (
        "llama",
        {
            "max_position_embeddings": 2048,
            "rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0},
        },
        None,
        4096,
    ),
    "linear for some kinds of layers, counted, as Gemma 3": (
        "gemma3_text",
        {
            "max_position_embeddings": 131072,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        },
        None,
        131072,
    ),
    "a table whose first rows are for padding": (
        "roberta",
        {"max_position_embeddings": 514, "pad_token_id": 1},
        512,
        512,
    ),
    "a table of distances": ("mpt", {"max_seq_len": 2048}, None, 2048),
    "ALiBi": ("falcon", {"alibi": True}, None, None),
    "no positions at all": ("mamba", {}, None, None),
}


@pytest.mark.parametrize("case", _CASES)
def test_the_limit_is_what_the_model_is_made_for(case: str) -> None:
    kind, settings, tokenizer_limit, expected = _CASES[case]
    assert context_limit(CONFIG_MAPPING[kind](**settings), tokenizer_limit) == expected
