"""Texts that cross the length at which rotary embeddings change, against plain forward passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from transformers import LlamaConfig, Phi3Config, PretrainedConfig

from app.decoding.graphs import make_language_model
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.rescaled_model import RescaledLanguageModel
from tests import tiny

_SWITCH, _CONTEXT = 16, 64
_SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "bos_token_id": None,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
CONFIGS = {
    "dynamic NTK": LlamaConfig(
        **_SIZES,
        max_position_embeddings=_SWITCH,
        rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0},
    ),
    "longrope": Phi3Config(
        **_SIZES,
        max_position_embeddings=_CONTEXT,
        original_max_position_embeddings=_SWITCH,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "short_factor": [1.0] * 8,
            "long_factor": [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 9.0],
        },
    ),
}


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def _plain(config: PretrainedConfig, text: list[int]) -> torch.Tensor:
    """The row after ``text``, of a model that has read nothing before."""
    model = tiny.random_model(config, 5)
    return model(input_ids=torch.tensor([text]), use_cache=False).logits[0, -1]


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_row_is_that_of_a_forward_pass_of_the_text_up_to_it(config: PretrainedConfig) -> None:
    read = make_language_model(tiny.random_model(config, 5))
    assert isinstance(read, RescaledLanguageModel)
    assert read.context_length == _CONTEXT
    text = [(7 * place * place + 11) % 64 for place in range(40)]

    def check(end: int, last: int) -> None:
        logits = read.extend(torch.tensor(text[read.length : end]), last)
        expected = [_plain(config, text[:at]) for at in range(end - last + 1, end + 1)]
        torch.testing.assert_close(logits, torch.stack(expected), atol=1e-4, rtol=0)

    check(10, 3)
    for end in range(11, 21):  # over the switch
        check(end, 1)
    check(26, 6)
    read.extend(torch.tensor([1, 2, 3]))
    read.rewind(26)
    check(27, 1)
    read.rewind(14)  # back before it
    check(15, 1)
    check(22, 7)  # a block over it
    read.rewind(16)
    check(17, 1)
    read.rewind(0)
    check(30, 1)  # a prompt behind it
    read.rewind(12)
    check(16, 2)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_several_texts_do_not_scale_each_other(config: PretrainedConfig) -> None:
    model = tiny.random_model(config, 5)
    long, short = make_language_model(model), make_language_model(model)
    text = [(5 * place * place + 3) % 64 for place in range(30)]
    long.extend(torch.tensor(text))
    short.extend(torch.tensor(text[:15]))
    torch.testing.assert_close(
        short.extend(torch.tensor(text[15:16]))[0], _plain(config, text[:16]), atol=1e-4, rtol=0
    )


def test_a_context_before_the_switch_needs_nothing_of_this() -> None:
    model = tiny.random_model(CONFIGS["longrope"], 5)
    assert type(make_language_model(model, _SWITCH)) is TransformersLanguageModel
