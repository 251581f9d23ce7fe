"""SmolLM2-135M-Instruct in llama.cpp against its dequantization in transformers, in float32."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.decoding.llama_cpp.library import is_installed, library
from app.decoding.llama_cpp.llama_context import ContextOptions, KvType
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from tests.real import smollm2

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not is_installed(), reason="llama.cpp is not installed"),
]

_PROSE = (
    "The lighthouse keeper had not spoken to another person for eleven days when the boat came "
    "round the point. It was a small boat, painted green, and it rode low in the water, as if it "
    "carried more than its owner had meant it to. He put down his cup and went to the window. The "
    "glass was streaked with salt, and through it the sea looked older than it was. Two people sat "
    "in the boat, a woman with a red scarf and a boy who might have been ten, and neither of them "
    "was rowing."
)
_ALL_F32 = 0


@pytest.fixture(scope="module")
def text() -> Tensor:
    path = smollm2.require()
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    return torch.tensor(tokenizer(_PROSE).input_ids)


@pytest.fixture(scope="module")
def plain(text: Tensor) -> Tensor:
    """Rows of a plain forward pass of transformers over its own dequantization."""
    path = smollm2.require()
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    ).eval()
    with torch.inference_mode():
        rows: Tensor = model(text[None], use_cache=False).logits[0]
    return rows


def rows_of(path: Path, text: Tensor, options: ContextOptions) -> Tensor:
    model = LlamaCppLanguageModel(LlamaCppWeights.open([path]), options=options)
    return model.extend(text, len(text))


@pytest.mark.parametrize("kind", KvType)
def test_a_quantized_file_is_near_its_dequantization(
    text: Tensor, plain: Tensor, kind: KvType
) -> None:
    rows = rows_of(smollm2.require(), text, ContextOptions(kind))
    wanted, found = plain.log_softmax(-1), rows.log_softmax(-1)
    divergence = (wanted.exp() * (wanted - found)).sum(-1)[1:]
    same = (rows.argmax(-1) == plain.argmax(-1))[1:].float().mean()
    print(f"{kind.name}: KL {divergence.mean():.4f}, same argmax {same:.3f}")
    assert divergence.mean() <= 5e-3
    assert same >= 0.94


def test_the_same_weights_in_float32_have_the_same_rows(
    text: Tensor, plain: Tensor, tmp_path: Path
) -> None:
    file = tmp_path / "float32.gguf"
    parameters = library().llama_model_quantize_default_params()
    parameters.ftype, parameters.allow_requantize, parameters.nthread = _ALL_F32, True, 1
    given, made = (str(path).encode() for path in (smollm2.require(), file))
    assert library().llama_model_quantize(given, made, ctypes.byref(parameters)) == 0
    rows = rows_of(file, text, ContextOptions(KvType.F32))
    worst = float((rows - plain).abs().max() / plain.abs().max())
    print(f"largest difference: {worst:.1e} of the largest logit")
    assert worst <= 1e-3
