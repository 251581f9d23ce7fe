"""Reading without a cache against forward passes of whole texts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from transformers import OpenAIGPTConfig, PretrainedConfig, RwkvConfig

from app.decoding.uncached_model import UncachedLanguageModel
from tests import tiny


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


CONFIGS = {
    "gpt2": tiny.ARCHITECTURES["gpt2"](tiny.VOCABULARY),
    "gemma2": tiny.ARCHITECTURES["gemma2"](tiny.VOCABULARY),
    "openai-gpt": OpenAIGPTConfig(
        vocab_size=tiny.VOCABULARY, n_embd=32, n_layer=2, n_head=2, n_positions=64
    ),
    "rwkv": RwkvConfig(
        vocab_size=tiny.VOCABULARY, hidden_size=32, num_hidden_layers=2, context_length=64
    ),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_any_blocks_and_rewinds_equal_one_forward_of_the_text(config: PretrainedConfig) -> None:
    """Also of models that have no KV cache, or a state that cannot be rewound."""
    model = tiny.random_model(config, 3)
    read = UncachedLanguageModel(model)
    text = [(7 * place * place + 11) % tiny.VOCABULARY for place in range(24)]
    found = [read.extend(torch.tensor(text[:9]), 9)]
    read.extend(torch.tensor([5, 6, 7]))
    read.rewind(9)
    found += [read.extend(torch.tensor([token])) for token in text[9:13]]
    read.rewind(0)
    read.extend(torch.tensor(text[:13]))
    found.append(read.extend(torch.tensor(text[13:]), 11))
    assert read.length == 24
    expected = model(input_ids=torch.tensor([text])).logits[0]
    torch.testing.assert_close(torch.cat(found), expected, atol=1e-4, rtol=0)


def test_a_text_cannot_be_rewound_to_more_than_was_read() -> None:
    read = UncachedLanguageModel(tiny.make_model("gpt2", 1))
    read.extend(torch.tensor([1, 2, 3]))
    with pytest.raises(ValueError, match="cannot rewind 3 tokens to 4"):
        read.rewind(4)
