"""The name of a model says of which models it is a version, and whether it was tuned."""

from __future__ import annotations

import pytest

from app.checkpoints.candidates.model_names import Tuning, common_start, stem_of, tuning_of


@pytest.mark.parametrize(
    ("name", "tuning"),
    [
        ("Qwen2.5-0.5B-Instruct", Tuning.INSTRUCT),
        ("gemma-2-2b-it", Tuning.INSTRUCT),
        ("Llama-2-7b-chat-hf", Tuning.INSTRUCT),
        ("SmolLM2-135M-Instruct.Q4_1", Tuning.INSTRUCT),
        ("Qwen3-0.6B-Base", Tuning.NONE),
        ("anti-expert", Tuning.NONE),
        ("Qwen2.5-Math-1.5B", Tuning.OTHER),
        ("my fine-tuned model", Tuning.OTHER),
        ("Qwen2.5-0.5B", Tuning.UNKNOWN),
        ("Italic-1B", Tuning.UNKNOWN),
        ("", Tuning.UNKNOWN),
    ],
)
def test_tuning(name: str, tuning: Tuning) -> None:
    assert tuning_of(name) is tuning


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qwen2.5-0.5B", "qwen2.5-0.5b-instruct-q4_k_m"),
        ("SmolLM2-135M", "SmolLM2-135M-Instruct.Q4_1"),
        ("Qwen3-0.6B-Base", "Qwen3-0.6B"),
        ("Llama-2-7b-hf", "Llama-2-7b-chat-hf"),
        ("gemma-2-2b", "gemma-2-2b-it.IQ4_XS.gguf"),
    ],
)
def test_versions_of_a_model_have_one_stem(one: str, other: str) -> None:
    assert stem_of(one) == stem_of(other) != ""


def test_sizes_and_generations_have_stems_of_their_own() -> None:
    names = ("Qwen2.5-0.5B", "Qwen2.5-1.5B", "Qwen2-0.5B", "Qwen2.5-Math-1.5B")
    assert len({stem_of(name) for name in names}) == len(names)


def test_common_start() -> None:
    assert common_start("SmolLM2-135M", "smollm2-360M") == len("smollm2-")
    assert common_start("a", "b") == common_start("", "b") == 0
