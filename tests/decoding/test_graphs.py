"""Steps over buffers that never move, with capturing off, against forwards without a cache."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import (
    BitsAndBytesConfig,
    FalconConfig,
    Gemma3TextConfig,
    GPTNeoConfig,
    MistralConfig,
    MixtralConfig,
    OpenAIGPTConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
)

from app.decoding import graphs
from app.decoding.capturing import Action, CaptureError, Computation, uncaptured
from app.decoding.ensemble import Ensemble
from app.decoding.fixed_cache import FixedCache
from app.decoding.graphs import (
    GraphedLanguageModel,
    make_language_model,
    why_not_captured,
)
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.step_sizes import LONGEST
from app.decoding.uncached_model import UncachedLanguageModel
from tests import tiny

_SHAPE = {
    "vocab_size": tiny.VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": tiny.CONTEXT,
    "sliding_window": 7,
}
WINDOWS: dict[str, PretrainedConfig] = {
    "mistral": MistralConfig(**_SHAPE),
    "gemma3": Gemma3TextConfig(
        **_SHAPE,
        head_dim=16,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
    ),
    "qwen2, sliding": Qwen2Config(**_SHAPE, use_sliding_window=True, max_window_layers=1),
}
MODELS = {
    **{name: tiny.make_model(name, 7) for name in tiny.ARCHITECTURES},
    **{name: tiny.random_model(config, 7) for name, config in WINDOWS.items()},
}
FULL = list(MODELS)


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def uncached(model: PreTrainedModel, tokens: list[int], last: int) -> torch.Tensor:
    return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -last:]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", FULL)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 2 * LONGEST), st.floats(0, 1), st.integers(1, 3)),
        min_size=1,
        max_size=6,
    ),
    capacity=st.integers(1, 16),
    attended=st.integers(1, 32),
)
def test_any_blocks_and_rewinds_equal_uncached_forwards(
    architecture: str,
    steps: list[tuple[int, float, int]],
    capacity: int,
    attended: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graphs, "_UNIT", capacity)
    monkeypatch.setattr(graphs, "_LEAST_ATTENDED", attended)
    model = MODELS[architecture]
    read = GraphedLanguageModel(model, capture=uncaptured, expected=capacity)
    tokens: list[int] = []
    for count, kept, last in steps:
        new = [(7 * len(tokens) + 11 * place + count) % tiny.VOCABULARY for place in range(count)]
        tokens += new
        logits = read.extend(torch.tensor(new), min(last, count))
        expected = uncached(model, tokens, min(last, count))
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
        del tokens[int(kept * len(tokens)) :]
        read.rewind(len(tokens))
    assert read.length == len(tokens)


def addresses(model: GraphedLanguageModel) -> tuple[int, ...]:
    keys = (layer.keys for layer in model._fixed._layers)
    return tuple(0 if each is None else each.data_ptr() for each in keys)


def test_keys_and_values_stay_where_they_are_in_every_run_and_at_every_length() -> None:
    counted: list[int] = []

    def counting(compute: Computation, parts: int = 1) -> Action:
        counted.append(parts)
        return uncaptured(compute, parts)

    read = GraphedLanguageModel(MODELS["llama"], capture=counting)
    places = set()
    for length in (3, 200, 480, 9):
        read.rewind(0)
        read.extend(torch.arange(length) % tiny.VOCABULARY)
        places.add(addresses(read))
        for _ in range(20):
            read.extend(torch.tensor([4]))
        read.rewind(length // 2)
        read.extend(torch.tensor([4]))
        places.add(addresses(read))
    assert len(places) == 1
    assert len(counted) == 1
    assert read._fixed.capacity == tiny.CONTEXT + 256
    layers, width, keys_and_values = 2, 32, 2
    size = 4 * keys_and_values * layers * width * (tiny.CONTEXT + 256)
    ensemble = Ensemble([read], ["base"], [])
    assert ensemble.buffer_bytes() == {"cpu": size}
    ensemble.release_buffers()
    assert ensemble.buffer_bytes() == {"cpu": 0}


def test_a_longer_text_than_expected_moves_keys_and_values_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graphs, "_UNIT", 8)
    read = GraphedLanguageModel(MODELS["llama"], capture=uncaptured, expected=20)
    read.extend(torch.tensor([1, 2, 3]))
    places = []
    for _ in range(36):
        read.extend(torch.tensor([4]))
        places.append(addresses(read))
    assert len(set(places[:18])) == 1
    assert len(set(places[22:])) == 1
    assert len(set(places)) == 2
    assert read._fixed.capacity == 56  # twice as many and one, in units of 8


def test_a_step_attends_to_what_is_held_and_not_to_the_whole_capacity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graphs, "_LEAST_ATTENDED", 16)
    read = GraphedLanguageModel(MODELS["llama"], capture=uncaptured)
    attended = []
    for _ in range(tiny.CONTEXT):
        read.extend(torch.tensor([4]))
        attended.append(max(places for _, places in read._steps) if read._steps else 0)
    assert sorted(set(attended)) == [0, 16, 32, 64, 128, 256, 512, tiny.CONTEXT + 256]
    assert all(most >= held for most, held in zip(attended[1:], range(2, 999), strict=False))
    assert attended[14:16] == [16, 32]


def test_where_there_is_no_memory_for_the_context_the_text_has_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resize = FixedCache.resize

    def limited(cache: FixedCache, capacity: int, held: int) -> None:
        resize(cache, capacity, held)
        if capacity > 300:
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(FixedCache, "resize", limited)
    model = MODELS["llama"]
    read = GraphedLanguageModel(model, capture=uncaptured)
    read.extend(torch.tensor([1, 2, 3]))
    logits = read.extend(torch.tensor([4]))
    assert read._fixed.capacity == 256
    torch.testing.assert_close(logits, uncached(model, [1, 2, 3, 4], 1), atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", FULL)
def test_a_text_is_put_away_and_continued_without_a_capture(architecture: str) -> None:
    model = MODELS[architecture]
    read = GraphedLanguageModel(model, capture=uncaptured)
    tokens = list(range(5, 25))
    read.extend(torch.tensor(tokens))
    read.extend(torch.tensor([4]))
    places = addresses(read)
    state = read.take_state()
    assert state is not None
    assert read.length == 0
    assert read.take_state() is None
    assert (state.reusable(7), state.device) == (7, torch.device("cpu"))
    assert state.copy(7).size * 3 == state.size
    read.extend(torch.tensor([9] * 40))
    for kept in (state.copy(12), state):
        read.rewind(0)
        read.put_state(kept)
        text = [*tokens, 4][: read.length]
        logits = read.extend(torch.tensor([30]))
        expected = uncached(model, [*text, 30], 1)
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert addresses(read) == places
    assert read.captures.stats.captured == 1


@pytest.mark.parametrize("architecture", FULL)
def test_what_was_no_number_is_forgotten_with_the_text(architecture: str) -> None:
    """Masked values are multiplied by 0, and NaN times 0 is NaN."""
    model = MODELS[architecture]
    read = GraphedLanguageModel(model, capture=uncaptured)
    read.extend(torch.tensor([1, 2, 3, 4, 5]))
    for layer in read._fixed._layers:
        layer.values[:, :, 4] = float("nan")  # type: ignore[index]
    read.rewind(0)
    read.extend(torch.tensor([1, 2]))
    logits = read.extend(torch.tensor([3]))
    torch.testing.assert_close(logits, uncached(model, [1, 2, 3], 1), atol=1e-4, rtol=0)


def test_why_steps_are_not_captured_is_said() -> None:
    assert why_not_captured(MODELS["llama"]) == ""
    assert [why_not_captured(model) for model in MODELS.values()] == [""] * len(MODELS)
    flash = tiny.make_model("llama", 0)
    flash.config._attn_implementation = "flash_attention_2"
    assert why_not_captured(flash) == "its attention is flash_attention_2"
    chunked = tiny.make_model("llama", 0)
    chunked.config.layer_types = ["chunked_attention"] * 2
    chunked.config.attention_chunk_size = 8
    assert "not all of its layers" in why_not_captured(chunked)
    quantised = tiny.make_model("llama", 0)
    quantised.config.quantization_config = {"quant_method": "gptq", "bits": 4}
    assert why_not_captured(quantised) == "its weights are quantised"
    quantised.config.quantization_config = BitsAndBytesConfig(load_in_8bit=True)
    assert why_not_captured(quantised).startswith("its 8-bit weights")
    for stored in ({"load_in_4bit": True}, BitsAndBytesConfig(load_in_4bit=True)):
        quantised.config.quantization_config = stored
        assert why_not_captured(quantised) == ""
    offloaded = tiny.make_model("llama", 0)
    offloaded._hf_hook = SimpleNamespace()
    assert why_not_captured(offloaded) == "its layers are on several devices"
    config = GPTNeoConfig(
        vocab_size=64, hidden_size=32, num_layers=2, num_heads=2, attention_types=[[["local"], 2]]
    )
    assert "exactly the keys" in why_not_captured(tiny.random_model(config, 0))
    config = FalconConfig(
        vocab_size=64, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, alibi=True
    )
    assert why_not_captured(tiny.random_model(config, 0)) == "it counts positions itself"


@pytest.mark.parametrize(
    ("dtype", "capability", "experts", "asks"),
    [
        (torch.bfloat16, (8, 0), "grouped_mm", False),
        (torch.bfloat16, (7, 5), "grouped_mm", True),
        (torch.float16, (9, 0), "grouped_mm", True),
        (torch.bfloat16, (9, 0), "eager", True),
        (torch.float32, (7, 5), "batched_mm", False),
    ],
)
def test_experts_are_captured_where_one_kernel_multiplies_them(
    dtype: torch.dtype,
    capability: tuple[int, int],
    experts: str,
    asks: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = MixtralConfig(**_SHAPE | {"sliding_window": None}, num_local_experts=4)
    model = tiny.random_model(config, 0).to(dtype)
    assert why_not_captured(model) == ""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(type(model), "device", torch.device("cuda:0"))
    model.config._experts_implementation = experts
    assert bool(why_not_captured(model)) is asks


def test_graphs_of_rocm_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert why_not_captured(MODELS["llama"]) == "graphs of ROCm are not used"


def test_on_a_cpu_nothing_is_captured() -> None:
    assert type(make_language_model(MODELS["llama"], 20)) is TransformersLanguageModel


def test_a_model_without_a_kv_cache_reads_the_text_anew() -> None:
    config = OpenAIGPTConfig(vocab_size=64, n_embd=32, n_layer=2, n_head=2, n_positions=64)
    assert isinstance(make_language_model(tiny.random_model(config, 0)), UncachedLanguageModel)


def test_a_step_that_cannot_be_captured_is_computed_and_says_why() -> None:
    def refused(compute: Computation, parts: int = 1) -> Action:
        raise CaptureError("operation not permitted")

    model = MODELS["llama"]
    read = GraphedLanguageModel(model, capture=refused)
    assert read.not_captured == ""
    read.extend(torch.tensor([1, 2, 3]))
    logits = read.extend(torch.tensor([4]))
    assert read.not_captured == "operation not permitted"
    torch.testing.assert_close(logits, uncached(model, [1, 2, 3, 4], 1), atol=1e-4, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("architecture", FULL)
def test_graphs_equal_uncached_forwards_on_cuda(architecture: str) -> None:
    model = tiny.make_model(architecture, 7).to("cuda")
    read = make_language_model(model)
    assert isinstance(read, GraphedLanguageModel)
    tokens = [3, 1, 4, 1, 5]
    read.extend(torch.tensor(tokens))
    for block in ([9], [2], [6, 5, 3], [5], [8, 9, 7]):
        logits = read.extend(torch.tensor(block), len(block))
        tokens += block
        expected = model(torch.tensor([tokens], device="cuda"), use_cache=False).logits[0]
        torch.testing.assert_close(logits, expected[-len(block) :], atol=1e-3, rtol=0)
        read.rewind(len(tokens) - 1)
        tokens.pop()
    assert read.not_captured == ""


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_graphs_are_captured_anew_where_the_cache_moves_on_cuda() -> None:
    read = make_language_model(tiny.make_model(FULL[0], 7).to("cuda"))
    assert isinstance(read, GraphedLanguageModel)
    read.extend(torch.tensor([3, 1, 4]))
    before = read.extend(torch.tensor([1]))
    read.rewind(3)
    read.ensure_capacity(10_000)
    torch.testing.assert_close(read.extend(torch.tensor([1])), before)
    assert read.not_captured == ""
