"""Steps of models in NF4, which bitsandbytes computes on a CPU as well."""

from __future__ import annotations

from pathlib import Path

import bitsandbytes
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from app.decoding.capturing import uncaptured
from app.decoding.graphs import GraphedLanguageModel, why_not_captured
from tests import tiny
from tests.decoding.test_step_asks_nothing import SAMPLED, check_step


@pytest.mark.slow
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("twice", [False, True], ids=["plain scales", "quantized scales"])
def test_steps_in_nf4_equal_forward_passes_of_the_same_weights(
    architecture: str, twice: bool, tmp_path: Path
) -> None:
    folder = tiny.save(tiny.make_model(architecture, 3), tmp_path)
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=twice
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, device_map={"": "cpu"}, quantization_config=config
    ).eval()
    for module in model.modules():  # as the loader does: packed layers compute in bfloat16
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = False
    assert why_not_captured(model) == ""
    read, tokens = GraphedLanguageModel(model, capture=uncaptured), [5, 6, 7, 8, 9, 3, 2, 1]
    with torch.inference_mode():
        read.extend(torch.tensor(tokens))
        for block in ([4], [11, 12, 13], [14]):
            logits = read.extend(torch.tensor(block), len(block))
            tokens += block
            expected = model(torch.tensor([tokens]), use_cache=False).logits[0, -len(block) :]
            torch.testing.assert_close(logits, expected, atol=1e-3, rtol=0)
            read.rewind(len(tokens) - 1)
            tokens.pop()
    assert read.captures.stats.captured == 2
    assert read.captures.stats.differing == ()


class PackedLinear(nn.Module):
    """A 4-bit layer without the tensor class of bitsandbytes, which has no fake tensors."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self._packed, self._state = bitsandbytes.functional.quantize_4bit(
            layer.weight.data, quant_type="nf4"
        )

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return bitsandbytes.matmul_4bit(states, self._packed, quant_state=self._state)


def in_nf4(model: PreTrainedModel) -> PreTrainedModel:
    """The model with 4-bit layers."""
    for module in list(model.modules()):
        for name, layer in list(module.named_children()):
            if type(layer) is nn.Linear and name != "lm_head":
                setattr(module, name, PackedLinear(layer))
    return model.eval()


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["llama", "gemma2"])
def test_a_step_in_nf4_asks_the_device_nothing(architecture: str) -> None:
    with FakeTensorMode(), torch.inference_mode():
        models = [in_nf4(tiny.make_model(architecture, seed)) for seed in range(3)]
        check_step(models, 1, SAMPLED)
        check_step(models, 3, SAMPLED, (1,))
