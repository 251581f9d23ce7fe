"""Steps over buffers that never move, with capturing off, against forwards without a cache."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import FalconConfig, OpenAIGPTConfig, PreTrainedModel

from app.decoding import graphs
from app.decoding.capturing import Action, CaptureError, Computation, uncaptured
from app.decoding.graphs import (
    LONGEST,
    GraphedLanguageModel,
    make_language_model,
    why_not_captured,
)
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel
from tests import tiny

FULL = [name for name in tiny.ARCHITECTURES if name != "gemma2"]
MODELS = {name: tiny.make_model(name, 7) for name in tiny.ARCHITECTURES}


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
)
def test_any_blocks_and_rewinds_equal_uncached_forwards(
    architecture: str,
    steps: list[tuple[int, float, int]],
    capacity: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graphs, "_MIN_CAPACITY", capacity)
    model = MODELS[architecture]
    read = GraphedLanguageModel(model, capture=uncaptured)
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


def test_a_step_writes_where_the_last_one_did_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a graph knows by its address stays there, until there is no more capacity."""
    monkeypatch.setattr(graphs, "_MIN_CAPACITY", 8)
    read = GraphedLanguageModel(MODELS["llama"], capture=uncaptured)
    read.extend(torch.tensor([1, 2, 3]))
    places, steps = [], []
    for _ in range(8):
        read.extend(torch.tensor([4]))
        places.append(read._layers[0].keys.data_ptr())  # type: ignore[union-attr]
        steps.append(read._steps[1])
    assert len(set(places[:4])) == len(set(steps[:4])) == 1
    assert len(set(places[4:])) == len(set(steps[4:])) == 1
    assert places[0] != places[4]
    assert steps[0] is not steps[4]


def test_why_steps_are_not_captured_is_said() -> None:
    assert why_not_captured(MODELS["llama"]) == ""
    assert why_not_captured(MODELS["gemma2"]) == "its attention is eager"
    sliding = tiny.make_model("gemma2", 0)
    sliding.config._attn_implementation = "sdpa"
    assert "not all of its layers" in why_not_captured(sliding)
    quantised = tiny.make_model("llama", 0)
    quantised.config.quantization_config = {"load_in_4bit": True}
    assert why_not_captured(quantised) == "its weights are quantised"
    offloaded = tiny.make_model("llama", 0)
    offloaded._hf_hook = SimpleNamespace()
    assert why_not_captured(offloaded) == "its layers are on several devices"
    config = FalconConfig(
        vocab_size=64, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, alibi=True
    )
    assert why_not_captured(tiny.random_model(config, 0)) == "it counts positions itself"


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
