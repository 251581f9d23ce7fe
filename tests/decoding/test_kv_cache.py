"""The growing cache against forwards without a cache, however text is read, rewound and read on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import BartConfig, DynamicCache, MambaConfig, PreTrainedModel

from app.decoding import kv_cache
from app.decoding.kv_cache import GrowingLayer, GrowingSlidingLayer, make_cache
from app.decoding.language_model import TransformersLanguageModel
from tests import tiny


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def uncached(model: PreTrainedModel, tokens: list[int], last: int) -> torch.Tensor:
    return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -last:]


MODELS = {name: tiny.make_model(name, 7) for name in tiny.ARCHITECTURES}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 13), st.floats(0, 1), st.integers(1, 3)), min_size=1, max_size=7
    ),
    block=st.integers(1, 9),
)
def test_any_blocks_and_rewinds_equal_uncached_forwards(
    architecture: str,
    steps: list[tuple[int, float, int]],
    block: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also further back than the window of 8, twice in a row, and over the end of a buffer."""
    monkeypatch.setattr(kv_cache, "BLOCK", block)
    model = MODELS[architecture]
    read = TransformersLanguageModel(model)
    tokens: list[int] = []
    for count, kept, last in steps:
        new = [(7 * len(tokens) + 11 * place + count) % tiny.VOCABULARY for place in range(count)]
        tokens += new
        logits = read.extend(torch.tensor(new), min(last, count))
        expected = uncached(model, tokens, min(last, count))
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
        del tokens[int(kept * len(tokens)) :]
        read.rewind(len(tokens))


def test_a_decoder_may_have_more_layers_than_its_encoder() -> None:
    """Which is what ``num_hidden_layers`` of a model means that had one."""
    config = BartConfig(
        vocab_size=64, d_model=32, encoder_layers=1, decoder_layers=3, decoder_attention_heads=2
    )
    model = tiny.random_model(config, 0)
    read = TransformersLanguageModel(model)
    tokens = [5, 9, 13, 17, 21]
    read.extend(torch.tensor(tokens[:3]))
    logits = read.extend(torch.tensor(tokens[3:]), 2)
    torch.testing.assert_close(logits, uncached(model, tokens, 2), atol=1e-4, rtol=0)


def test_a_layer_is_copied_once_a_block() -> None:
    layer = GrowingLayer()
    states = torch.randn(1, 2, 1, 4)
    places = set()
    for length in range(1, 2 * kv_cache.BLOCK + 1):
        keys, values = layer.update(states, states)
        assert keys.shape[-2] == values.shape[-2] == length
        places.add(keys.data_ptr())
    assert len(places) == 2


def test_sliding_windows_are_shown_and_everything_is_kept() -> None:
    config = tiny.make_model("gemma2", 0).config
    cache = make_cache(config)
    assert {type(layer) for layer in cache.layers} == {GrowingLayer, GrowingSlidingLayer}
    sliding = next(layer for layer in cache.layers if isinstance(layer, GrowingSlidingLayer))
    states = torch.arange(30.0).reshape(1, 1, 30, 1)
    keys, _ = sliding.update(states, states)
    assert keys.shape[-2] == 30
    keys, _ = sliding.update(states[..., :2, :], states[..., :2, :])
    assert keys.shape[-2] == config.sliding_window - 1 + 2
    sliding.crop(-20)
    assert sliding.get_seq_length() == 12
    keys, _ = sliding.update(states[..., :1, :], states[..., :1, :])
    assert keys.flatten().tolist() == [*range(5, 12), 0]


def test_other_layers_are_as_transformers_has_them() -> None:
    config = MambaConfig(num_hidden_layers=2, hidden_size=8)
    expected = [type(layer) for layer in DynamicCache(config=config).layers]
    assert [type(layer) for layer in make_cache(config).layers] == expected
