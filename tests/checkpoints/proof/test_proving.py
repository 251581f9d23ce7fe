"""Models that are broken on purpose: the proof gives way step by step, or refuses."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaForCausalLM, OpenAIGPTConfig, PreTrainedModel

from app.checkpoints.loading import packed_weights
from app.checkpoints.loading.packed_weights import PackedLinear, pack_models
from app.checkpoints.proof.proof_bounds import bound_of
from app.checkpoints.proof.proof_readings import READINGS
from app.checkpoints.proof.proof_report import Proof, Reading, Shortcut, warning_of
from app.checkpoints.proof.proof_text import proof_ids
from app.checkpoints.proof.proving import SECONDS, TOO_SLOW, GivenUp, Subject, prove
from app.checkpoints.proof.reference import PlainForwards
from app.decoding.capturing import uncaptured
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel
from app.errors import Cancelled, ModelError
from tests import tiny

IDS = proof_ids(tiny.VOCABULARY, {0})
CACHED = (Shortcut.PADDING, Shortcut.REWINDING, Shortcut.BLOCKS, Shortcut.CACHE)
Kind = Callable[..., TransformersLanguageModel]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def subject(
    model: PreTrainedModel,
    kind: Kind = TransformersLanguageModel,
    shortcuts: Sequence[Shortcut] = CACHED,
    dtype: str = "float32",
) -> Subject:
    """A model that is read by ``kind`` until the cache is given up."""

    def read(given_up: GivenUp) -> TransformersLanguageModel:
        if Shortcut.CACHE in given_up:
            return UncachedLanguageModel(model)
        found = kind(
            model,
            reads_blocks=Shortcut.BLOCKS not in given_up,
            rewinds=Shortcut.REWINDING not in given_up,
        )
        found.pads_batches = Shortcut.PADDING not in given_up
        return found

    return Subject("base", PlainForwards(model), shortcuts, read, bound_of(dtype, "none"))


def faults(proof: Proof) -> list[Reading]:
    return [fault.reading for fault in proof.faults]


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_a_model_that_is_right_is_proved_with_all_shortcuts(architecture: str) -> None:
    proof = prove(subject(tiny.make_model(architecture, 5)), IDS)
    readings = [found.reading for found in proof.compared]
    assert readings == [Reading.UNCACHED, *(each for each in READINGS if each is not Reading.STEP)]
    assert proof.given_up == proof.faults == proof.skipped == ()
    assert 0 < proof.largest < 1e-4
    assert proof.divergence < 1e-9
    assert warning_of("base", proof) == ""


def test_captured_steps_are_compared_where_steps_are_captured() -> None:
    model = tiny.make_model("qwen2", 5)
    original = copy.deepcopy(model)
    proof = prove(
        Subject(
            "base",
            PlainForwards(original),
            (Shortcut.CAPTURE, *CACHED),
            lambda given_up: GraphedLanguageModel(model, capture=uncaptured),
            bound_of("float32", "none"),
        ),
        IDS,
    )
    assert [found.reading for found in proof.compared] == [Reading.UNCACHED, *READINGS]
    assert proof.given_up == ()


class MisplacedSteps(GraphedLanguageModel):
    """Steps that are captured with positions that are off by one."""

    def forward_at(self, tokens: Tensor, positions: Tensor, attended: int) -> Tensor:
        return super().forward_at(tokens, positions + 1, attended)


def test_capture_is_given_up_where_captured_steps_differ() -> None:
    model = tiny.make_model("qwen2", 5)

    def read(given_up: GivenUp) -> TransformersLanguageModel:
        if Shortcut.CAPTURE in given_up:
            return TransformersLanguageModel(model)
        return MisplacedSteps(model, capture=uncaptured)

    shortcuts = (Shortcut.CAPTURE, *CACHED)
    proof = prove(
        Subject("base", PlainForwards(model), shortcuts, read, bound_of("float32", "none")), IDS
    )
    assert proof.given_up == (Shortcut.CAPTURE,)
    assert faults(proof) == [Reading.TOKENS]


def test_a_model_whose_cache_is_ignored_is_read_without_a_cache() -> None:
    """GPT-1 takes no cache: each token is read as if nothing stood before it."""
    config = OpenAIGPTConfig(
        vocab_size=tiny.VOCABULARY, n_embd=32, n_layer=2, n_head=2, n_positions=64
    )
    proof = prove(subject(tiny.random_model(config, 2)), IDS)
    assert proof.given_up == CACHED
    assert faults(proof) == [Reading.TOKENS]
    assert proof.faults[0].difference.largest > 0.1
    assert [found.reading for found in proof.compared] == [Reading.UNCACHED]
    assert "without a cache" in warning_of("base", proof)


class OtherBlocks(TransformersLanguageModel):
    """Blocks after a prompt have rows of their own."""

    def _read(self, tokens: Tensor, last: int) -> Tensor:
        started = self.length > 0
        logits = super()._read(tokens, last)
        return logits.roll(1, -1) if started and len(tokens) > 1 else logits


@pytest.mark.slow
def test_blocks_are_given_up_where_their_rows_differ() -> None:
    proof = prove(subject(tiny.make_model("llama", 5), OtherBlocks), IDS)
    assert proof.given_up == (Shortcut.BLOCKS,)
    assert faults(proof) == [Reading.CHUNKS]
    assert "one token at a time" in warning_of("base", proof)


class LateRewind(TransformersLanguageModel):
    """A rewind that leaves one token too many."""

    def rewind(self, length: int) -> None:
        super().rewind(min(length + 1, self.length) if length else 0)
        self.length = length


def test_rewinding_is_given_up_where_it_leaves_a_token_too_many() -> None:
    proof = prove(subject(tiny.make_model("gemma2", 5), LateRewind), IDS)
    assert proof.given_up == (Shortcut.REWINDING,)
    assert faults(proof) == [Reading.REWOUND]
    assert "nothing is drafted" in warning_of("base", proof)


class DeafToPadding(LlamaForCausalLM):
    """Attends to padding as if it were text."""

    def forward(  # type: ignore[override]
        self, attention_mask: Tensor | None = None, past_key_values: Any = None, **kwargs: Any
    ) -> Any:
        return super().forward(past_key_values=past_key_values, **kwargs)


def test_padding_is_given_up_where_batches_differ() -> None:
    model = tiny.make_model("llama", 5)
    model.__class__ = DeafToPadding
    proof = prove(subject(model), IDS)
    assert proof.given_up == (Shortcut.PADDING,)
    assert faults(proof) == [Reading.BATCH]
    assert proof.compared[-1].reading is Reading.BATCH  # one text after another


class OnlyTokens(LlamaForCausalLM):
    """Fails where a block follows a text."""

    def forward(  # type: ignore[override]
        self, input_ids: Tensor, past_key_values: Any = None, **kwargs: Any
    ) -> Any:
        if past_key_values and past_key_values.get_seq_length() and input_ids.shape[1] > 1:
            raise RuntimeError("only single tokens can follow\nmore of this")
        return super().forward(input_ids, past_key_values=past_key_values, **kwargs)


@pytest.mark.slow
def test_a_model_that_fails_at_blocks_is_read_without_them() -> None:
    model = tiny.make_model("llama", 5)
    model.__class__ = OnlyTokens
    proof = prove(subject(model), IDS)
    assert proof.given_up == (Shortcut.PADDING, Shortcut.BLOCKS)
    assert faults(proof) == [Reading.CHUNKS, Reading.BATCH]
    assert proof.faults[0].error == "RuntimeError: only single tokens can follow"


class Both(LateRewind, OtherBlocks):
    """Two faults at once."""


@pytest.mark.slow
def test_more_is_given_up_where_one_shortcut_is_not_enough() -> None:
    proof = prove(subject(tiny.make_model("llama", 5), Both), IDS)
    assert proof.given_up == (Shortcut.REWINDING, Shortcut.BLOCKS)


@pytest.mark.slow
@pytest.mark.skipif(
    torch.backends.quantized.engine not in packed_weights._ENGINES, reason="torch without FBGEMM"
)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_packed_weights_are_given_up_where_a_bit_of_them_is_wrong(dtype: str) -> None:
    """The lowest bit of the exponent: twice or half of each number of one matrix."""
    original = tiny.make_model("llama", 5).to(getattr(torch, dtype))
    packed = copy.deepcopy(original)
    assert pack_models([packed], 1 << 34)

    def read(given_up: GivenUp) -> TransformersLanguageModel:
        model = original if Shortcut.PACKING in given_up else packed
        return TransformersLanguageModel(model)

    shortcuts = (Shortcut.PACKING, *CACHED)
    bound = bound_of(dtype, "none")
    proof = prove(Subject("base", PlainForwards(original), shortcuts, read, bound), IDS)
    assert proof.given_up == ()
    layer = packed.model.layers[1].mlp.down_proj
    assert isinstance(layer, PackedLinear)
    bit = 1 << (7 if dtype == "bfloat16" else 10)
    wrong = (layer.weight.view(torch.int16) ^ bit).view(layer.weight.dtype)
    replaced = packed_weights._pack(wrong)
    assert replaced is not None
    layer.packed = replaced
    proof = prove(Subject("base", PlainForwards(original), shortcuts, read, bound), IDS)
    assert proof.given_up == (Shortcut.PACKING,)
    assert faults(proof) == [Reading.TOKENS]


def test_a_model_with_numbers_that_are_none_is_refused() -> None:
    model = tiny.make_model("llama", 5)
    model.model.layers[0].mlp.up_proj.weight[3, 4] = torch.nan
    with pytest.raises(ModelError, match=r"not numbers \(32 of 32 rows of a plain forward pass\)"):
        prove(subject(model), IDS)


def test_a_model_that_computes_other_rows_each_time_is_refused() -> None:
    model = tiny.make_model("gpt2", 5)
    model.train()  # dropout
    with pytest.raises(ModelError, match=r"does not compute the same logits twice .* differ by"):
        prove(subject(model), IDS)


def test_a_model_that_transformers_cannot_compute_is_refused() -> None:
    model = tiny.make_model("llama", 5)
    del model.model.layers[0].mlp
    with pytest.raises(ModelError, match=r"transformers cannot compute the base .*mlp"):
        prove(subject(model), IDS)


def test_memory_that_runs_out_is_no_fault_of_a_reading() -> None:
    class Full(TransformersLanguageModel):
        def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        prove(subject(tiny.make_model("llama", 5), Full), IDS)


def test_a_slow_model_is_compared_in_the_readings_that_count_most() -> None:
    times = itertools.chain([0.0, TOO_SLOW, TOO_SLOW], itertools.repeat(TOO_SLOW + SECONDS + 1))
    proof = prove(subject(tiny.make_model("llama", 5)), IDS, clock=lambda: next(times))
    assert [found.reading for found in proof.compared] == [
        Reading.UNCACHED,
        Reading.TOKENS,
        Reading.CHUNKS,
    ]
    assert proof.skipped == tuple(READINGS)[2:-1]  # steps are not captured here
    assert proof.seconds == TOO_SLOW + SECONDS + 1


def test_a_model_that_is_too_slow_is_not_compared() -> None:
    times = iter([0.0, TOO_SLOW + 1])
    proof = prove(subject(tiny.make_model("llama", 5)), IDS, clock=lambda: next(times))
    assert proof.not_proved == f"one forward pass takes {TOO_SLOW + 1:.0f} s"
    assert proof.compared == ()


def test_faults_are_found_out_however_slow_the_model_is() -> None:
    """The reading that failed is asked of every plainer way."""
    times = itertools.chain([0.0] * 3, itertools.repeat(SECONDS + 1))
    proof = prove(subject(tiny.make_model("llama", 5), OtherBlocks), IDS, clock=lambda: next(times))
    assert proof.given_up == (Shortcut.BLOCKS,)


def test_a_proof_can_be_cancelled() -> None:
    asked = iter([False] * 9 + [True])
    with pytest.raises(Cancelled):
        prove(subject(tiny.make_model("llama", 5)), IDS, cancelled=lambda: next(asked))
    assert next(asked, None) is None


def test_progress_goes_from_nothing_to_all() -> None:
    seen: list[tuple[int, int]] = []
    prove(subject(tiny.make_model("llama", 5)), IDS, lambda done, total: seen.append((done, total)))
    assert seen == [(done, len(READINGS)) for done in range(len(READINGS) + 1)]


def test_the_text_is_the_same_for_the_same_vocabulary_and_has_no_special_ids() -> None:
    ids = proof_ids(1000, range(200, 900))
    assert ids == proof_ids(1000, range(200, 900))
    assert len(ids) == 32
    assert ids[:16] == ids[16:]
    assert not set(ids) & set(range(200, 900))
    assert max(ids) < 1000
    assert len(set(ids)) > 10


def test_the_text_begins_as_every_prompt_does() -> None:
    ids = proof_ids(1000, {2}, begin=(2,))
    assert ids[0] == 2
    assert ids[1:] == proof_ids(1000, {2})[:31]
