"""What a GGUF file says is used, or the file is refused by the name of the key or tensor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf as library
import numpy as np
import pytest
from transformers import PreTrainedModel

from app.checkpoints.formats import gguf
from app.checkpoints.formats.gguf_checkpoint import write_checkpoint
from app.checkpoints.formats.gguf_metadata import UnusableError
from app.checkpoints.sources import open_checkpoint, open_folder
from app.checkpoints.spec import CheckpointSpec
from app.errors import CheckpointError
from tests import tiny, tiny_gguf

Facts = Callable[[library.GGUFWriter], None]


@pytest.fixture(scope="module")
def model() -> PreTrainedModel:
    return tiny.make_model("llama", 7)


def told(key: str, value: Any, kind: library.GGUFValueType | None = None) -> Facts:
    """A key of the file, in the place of another value that it may have had."""

    def tell(writer: library.GGUFWriter) -> None:
        for data in writer.kv_data:
            data.pop(key, None)
        of = kind or library.GGUFValueType.get_type(value)
        writer.add_key_value(key, value, of, library.GGUFValueType.get_type(value[0])
                             if isinstance(value, list) else None)  # fmt: skip

    return tell


def without(key: str) -> Facts:
    def forget(writer: library.GGUFWriter) -> None:
        for data in writer.kv_data:
            data.pop(key, None)

    return forget


def refusal(path: Path) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        gguf.read_header(path)
    assert str(path) in str(caught.value)
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("llama.logit_scale", 0.5, "llama.logit_scale” is 0.5"),
        ("llama.embedding_scale", 12.0, "llama.embedding_scale” is 12"),
        ("llama.residual_scale", 0.22, "llama.residual_scale” is 0.22"),
        ("llama.attention.scale", 0.1, "llama.attention.scale” is 0.1"),
        ("llama.attention.sliding_window", 64, "llama.attention.sliding_window” is 64"),
        ("llama.attention.causal", False, "llama.attention.causal” is False"),
        ("llama.attention.value_length", 8, "llama.attention.value_length” is 8"),
        ("llama.attention.clamp_kqv", 8.0, "llama.attention.clamp_kqv” is 8"),
        ("llama.attn_logit_softcapping", 50.0, "llama.attn_logit_softcapping” (50"),
        ("llama.final_logit_softcapping", 30.0, "llama.final_logit_softcapping” (30"),
        ("llama.expert_used_count", 2, "llama.expert_used_count” is 2"),
        ("llama.expert_count", 8, "“blk.0.ffn_gate.weight” does not exist in the llama model"),
        ("llama.expert_gating_func", 2, "llama.expert_gating_func” (2)"),
        ("llama.expert_weights_scale", 2.5, "llama.expert_weights_scale” (2.5)"),
        ("llama.rope.dimension_count", 8, "llama.rope.dimension_count” is 8"),
        ("llama.rope.dimension_sections", [4, 4, 0, 0], "llama.rope.dimension_sections” ([4"),
        ("llama.rope.freq_base_swa", 1e4, "llama.rope.freq_base_swa” (10000)"),
        ("llama.rope.scaling.type", "longrope", "llama.rope.scaling.type” is “longrope”"),
        ("llama.attention.head_count_kv", [2, 1], "head_count_kv” differs between layers"),
        ("llama.feed_forward_length", [48, 32], "feed_forward_length” differs between layers"),
        (
            "llama.context_length",
            ["long"],
            "context_length” holds an array of 1 where a whole number",
        ),
        ("llama.block_count", 3, "the tensors of 2 blocks of 3"),
        ("llama.block_count", 2**31 - 1, "the tensors of 2 blocks of 2147483647"),
        ("llama.rope.freq_base", 0.0, "llama.rope.freq_base” is 0"),
        ("llama.block_count", -2, "block_count” holds -2 where a whole number"),
        ("llama.rope.freq_base", "high", "freq_base” holds high where a number"),
        ("llama.attention.layer_norm_rms_epsilon", float("nan"), "epsilon” holds nan"),
        ("llama.vocab_size", 1000, "llama.vocab_size” is 1000"),
        ("llama.something_new", 1, "llama.something_new” (1) may change"),
        ("xielu.eps", 0.1, "“xielu.eps” is unknown"),
        ("tokenizer.ggml.something_new", True, "“tokenizer.ggml.something_new” is unknown"),
        ("tokenizer.ggml.pre", "of-tomorrow", "tokenizer.ggml.pre” is “of-tomorrow”"),
        ("tokenizer.ggml.pre", "default", "tokenizer.ggml.pre” is “default”"),
        ("tokenizer.ggml.model", "bert", "tokenizer is of the kind “bert”"),
        ("tokenizer.ggml.add_sep_token", True, "tokenizer.ggml.add_sep_token” is set"),
        ("tokenizer.ggml.add_space_prefix", True, "tokenizer.ggml.add_space_prefix” is set"),
        (
            "tokenizer.ggml.eos_token_id",
            5000,
            "“eos” token has the id 5,000, and there are 320 tokens",
        ),
        ("tokenizer.ggml.eos_token_id", [0, 1], "eos_token_id” differs between layers"),
        (
            "tokenizer.chat_template",
            ["a"],
            "tokenizer.chat_template” holds an array of 1 where a text",
        ),
        ("tokenizer.chat_template", 7, "tokenizer.chat_template” holds 7 where a text"),
    ],
)
def test_a_key_that_would_not_be_used_is_named(
    model: PreTrainedModel, tmp_path: Path, key: str, value: Any, said: str
) -> None:
    path = tiny_gguf.write(model, tmp_path / "m.gguf", facts=[told(key, value)])
    assert said in refusal(path).evidence


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            [
                told("llama.rope.scaling.type", "yarn"),
                told("llama.rope.scaling.factor", 4.0),
                told("llama.rope.scaling.attn_factor", 0.5),
            ],
            "llama.rope.scaling.attn_factor” is 0.5",
        ),
        (
            [
                told("llama.rope.scaling.type", "yarn"),
                told("llama.rope.scaling.factor", 4.0),
                told("llama.rope.scaling.yarn_log_multiplier", 0.1),
            ],
            "yarn_log_multiplier” is 0.1",
        ),
        ([without("llama.embedding_length")], "lacks the key “llama.embedding_length”"),
        ([without("tokenizer.ggml.pre")], "tokenizer.ggml.pre” is “”"),
        (
            [without("tokenizer.ggml.bos_token_id"), told("tokenizer.ggml.add_bos_token", True)],
            "lacks the key “tokenizer.ggml.bos_token_id”",
        ),
    ],
)
def test_keys_that_contradict_or_lack_each_other(
    model: PreTrainedModel, tmp_path: Path, facts: list[Facts], said: str
) -> None:
    assert said in refusal(tiny_gguf.write(model, tmp_path / "m.gguf", facts=facts)).evidence


@pytest.mark.parametrize(
    "key",
    ["general.name", "general.tags", "quantize.imatrix.file", "mradermacher.quantized_by"],
)
def test_keys_about_the_file_change_nothing(
    model: PreTrainedModel, tmp_path: Path, key: str
) -> None:
    value = ["a", "b"] if key.endswith("tags") else "somebody"
    path = tiny_gguf.write(model, tmp_path / "m.gguf", facts=[told(key, value)])
    assert gguf.read_header(path).architecture == "llama"


def test_lists_of_equal_numbers_and_neutral_values_are_as_good(
    model: PreTrainedModel, tmp_path: Path
) -> None:
    facts = [
        told("llama.attention.head_count_kv", [2, 2]),
        told("llama.feed_forward_length", [48, 48]),
        told("llama.expert_count", 0),
        told("llama.logit_scale", 1.0),
        told("llama.attention.scale", 0.25),
    ]
    path = tiny_gguf.write(model, tmp_path / "m.gguf", facts=facts)
    assert gguf.read_header(path).architecture == "llama"


ROW = np.ones(32, np.float32)


@pytest.mark.parametrize(
    "name",
    [
        "blk.0.ffn_gate_inp.weight",
        "blk.0.ffn_up_exps.weight",
        "blk.0.attn_q_norm.weight",
        "blk.0.attn_sinks.weight",
        "blk.0.attn_q.scale",
        "blk.00.attn_q.weight",
        "rope_factors_long.weight",
        "v.blk.0.attn_q.weight",
        "cls.output.weight",
    ],
)
def test_a_tensor_that_nothing_takes_is_named(
    model: PreTrainedModel, tmp_path: Path, name: str
) -> None:
    path = tiny_gguf.write(model, tmp_path / "m.gguf", tensors={name: ROW})
    assert f"“{name}” does not exist in the llama model" in refusal(path).evidence


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"leave_out": ["blk.1.ffn_up.weight"]}, "lacks the tensor.*layers.1.mlp.up_proj.weight"),
        ({"leave_out": ["output_norm.weight"]}, "lacks the tensor.*model.norm.weight"),
        ({"tensors": {"blk.0.ffn_up.bias": ROW}}, "lacks the tensor|blk.0.ffn_up.bias” is 32"),
        (
            {
                "leave_out": ["output_norm.weight"],
                "tensors": {"output_norm.weight": np.ones(48, np.float32)},
            },
            "output_norm.weight” is 48, and in the model 32",
        ),
    ],
)
def test_a_tensor_that_is_missing_or_of_another_shape_is_named(
    model: PreTrainedModel, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    path = tiny_gguf.write(model, tmp_path / "m.gguf", **options)
    (tmp_path / "converted").mkdir()
    with pytest.raises(UnusableError, match=said):
        write_checkpoint(path, tmp_path / "converted", weights=False)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ([told("general.type", "adapter")], "LoRA adapter"),
        ([told("general.type", "mmproj")], "reads images"),
        ([told("general.architecture", "clip")], "reads images"),
        ([told("general.type", "imatrix")], "importance matrix"),
        ([told("imatrix.chunk_count", 5)], "importance matrix"),
        ([told("general.architecture", "whisper")], "architecture is “whisper”"),
        ([told("general.architecture", "mamba")], "architecture is “mamba”"),
        ([told("general.architecture", "t5")], "architecture is “t5”"),
        ([told("split.count", 3), told("split.no", 0)], "the first of 3 parts"),
    ],
)
def test_files_that_are_no_language_model_are_called_what_they_are(
    model: PreTrainedModel, tmp_path: Path, facts: list[Facts], said: str
) -> None:
    assert said in refusal(tiny_gguf.write(model, tmp_path / "m.gguf", facts=facts)).evidence


def test_a_later_part_of_a_split_file_names_the_first(tmp_path: Path) -> None:
    """As llama-gguf-split writes it: what the file is about is in the first part alone."""
    path = tmp_path / "big-00002-of-00003.gguf"
    writer = library.GGUFWriter(path, "llama")
    writer.kv_data[0].clear()
    writer.add_uint16("split.no", 1)
    writer.add_uint16("split.count", 3)
    writer.add_int32("split.tensors.count", 12)
    writer.add_tensor("blk.0.ffn_up.weight", ROW)
    tiny_gguf.finish(writer)
    error = refusal(path)
    assert "part 2 of 3" in error.evidence
    assert "big-00001-of-00003.gguf" in error.next_step


def test_a_folder_of_gguf_files_says_which_to_choose(
    model: PreTrainedModel, tmp_path: Path
) -> None:
    for name in ("a.gguf", "B.GGUF"):
        tiny_gguf.write(model, tmp_path / name)
    with pytest.raises(CheckpointError, match=r"holds GGUF files.*a\.gguf") as caught:
        open_folder(tmp_path)
    assert "gguf:" in caught.value.next_step
    with pytest.raises(CheckpointError, match="is a GGUF file and no folder"):
        open_checkpoint(CheckpointSpec(f"folder:{tmp_path / 'a.gguf'}"))
