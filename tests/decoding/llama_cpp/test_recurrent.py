"""Recurrent and hybrid models in llama.cpp: they cannot rewind, and go on from copies of states."""

from __future__ import annotations

import pytest
import torch
from transformers import Lfm2Config, MambaConfig, PretrainedConfig, PreTrainedModel

from app.decoding.ensemble import Ensemble
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.errors import ModelError
from tests import tiny
from tests.decoding.llama_cpp.conftest import Opened
from tests.decoding.llama_cpp.test_rows import EXACT, assert_near

TEXT = torch.arange(200) * 7 % tiny.VOCABULARY


_SIZES = {
    "vocab_size": tiny.VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "eos_token_id": 0,
    "bos_token_id": None,
    "pad_token_id": None,
}
CONFIGS: dict[str, PretrainedConfig] = {
    "mamba": MambaConfig(state_size=8, **_SIZES),
    "lfm2": Lfm2Config(  # a short convolution and attention
        intermediate_size=48,
        block_auto_adjust_ff_dim=False,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=tiny.CONTEXT,
        layer_types=["conv", "full_attention"],
        **_SIZES,
    ),
}


@pytest.fixture(params=CONFIGS)
def recurrent(request: pytest.FixtureRequest) -> PreTrainedModel:
    return tiny.random_model(CONFIGS[request.param], seed=3)


def plain(model: PreTrainedModel, text: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        rows: torch.Tensor = model(text[None], use_cache=False).logits[0]
    return rows


def test_rows_are_those_of_transformers_and_rewinds_are_refused(
    recurrent: PreTrainedModel, opened: Opened
) -> None:
    model = LlamaCppLanguageModel(opened(recurrent), options=EXACT)
    wanted = plain(recurrent, TEXT[:40])
    assert_near(model.extend(TEXT[:30], 30), wanted[:30])
    assert not model.can_rewind
    with pytest.raises(ModelError, match="cannot go back to an earlier token"):
        model.rewind(29)
    assert_near(model.extend(TEXT[30:40], 10), wanted[30:])
    model.rewind(0)
    assert_near(model.extend(TEXT[:40], 40), wanted)


def test_a_text_goes_on_from_a_copy_of_the_state(
    recurrent: PreTrainedModel, opened: Opened
) -> None:
    ensemble = Ensemble([LlamaCppLanguageModel(opened(recurrent), options=EXACT)], ["base"], ())
    ensemble.prefixes.limit = 2**24
    first, other = TEXT[:90].tolist(), [*TEXT[:89].tolist(), *TEXT[100:150].tolist()]
    ensemble.resume([first], ())
    rows = ensemble.resume([other], ()).rows[0]
    assert ensemble.reused == (89,)
    assert_near(rows, plain(recurrent, torch.tensor(other))[-1:])


def test_several_texts_are_read_side_by_side(recurrent: PreTrainedModel, opened: Opened) -> None:
    batch = LlamaCppLanguageModel(opened(recurrent), options=EXACT).batch()
    texts = [TEXT[:60], TEXT[70:110], TEXT[120:160]]
    wanted = [plain(recurrent, text) for text in texts]
    lengths = [50, 20, 30]
    prompts = [text[:length].tolist() for text, length in zip(texts, lengths, strict=True)]
    found = batch.prefill(prompts, lambda: False)
    for row, length in enumerate(lengths):
        assert_near(found[row], wanted[row][length - 1])
    batch.keep(torch.tensor([2, 0]))
    blocks = torch.stack([texts[2][30:40], texts[0][50:60]])
    found = batch.extend(blocks)
    assert_near(found[0], wanted[2][30:])
    assert_near(found[1], wanted[0][50:])
