"""Batches of texts against forward passes of each text by itself, without a cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from transformers import MambaConfig, PreTrainedModel

from app.decoding.batch_model import PaddedModel, SeparateTexts, batch_model
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel
from tests import tiny

TEXTS = [[(5 * place + 3 * row) % tiny.VOCABULARY for place in range(24)] for row in range(3)]
LENGTHS = (11, 6, 9)
MODELS = {name: tiny.make_model(name, 4) for name in ("qwen2", "gemma2", "gpt2")}


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def cached(model: PreTrainedModel) -> TransformersLanguageModel:
    return TransformersLanguageModel(model)


def one_by_one(model: PreTrainedModel) -> TransformersLanguageModel:
    return TransformersLanguageModel(model, reads_blocks=False, rewinds=False)


def unpadded(model: PreTrainedModel) -> TransformersLanguageModel:
    found = TransformersLanguageModel(model)
    found.pads_batches = False
    return found


def check_batches(read: TransformersLanguageModel) -> None:
    """Prompts of several lengths, blocks, and going on with some of the texts."""
    expected = [read.model(input_ids=torch.tensor([text])).logits[0] for text in TEXTS]
    batch = batch_model(read)
    prompts = [text[:length] for text, length in zip(TEXTS, LENGTHS, strict=True)]
    found = batch.prefill(prompts, lambda: False)
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(found[row], expected[row][length - 1], atol=1e-4, rtol=0)
    blocks = [text[length : length + 3] for text, length in zip(TEXTS, LENGTHS, strict=True)]
    found = batch.extend(torch.tensor(blocks))
    for row, length in enumerate(LENGTHS):
        wanted = expected[row][length : length + 3]
        torch.testing.assert_close(found[row], wanted, atol=1e-4, rtol=0)
    batch.keep(torch.tensor([2, 0]))
    tokens = [[TEXTS[row][LENGTHS[row] + 3]] for row in (2, 0)]
    found = batch.extend(torch.tensor(tokens))
    for place, row in enumerate((2, 0)):
        wanted = expected[row][LENGTHS[row] + 3]
        torch.testing.assert_close(found[place, 0], wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("make", [cached, one_by_one, unpadded, UncachedLanguageModel])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_batch_has_the_logits_of_each_text_by_itself(
    model: PreTrainedModel, make: Callable[[PreTrainedModel], TransformersLanguageModel]
) -> None:
    check_batches(make(model))


def test_a_model_with_a_state_reads_one_text_after_another() -> None:
    config = MambaConfig(
        vocab_size=tiny.VOCABULARY, hidden_size=32, state_size=8, num_hidden_layers=2
    )
    read = TransformersLanguageModel(tiny.random_model(config, 1))
    assert isinstance(batch_model(read), SeparateTexts)
    check_batches(read)


def test_only_models_that_may_are_padded() -> None:
    model = MODELS["qwen2"]
    assert isinstance(batch_model(cached(model)), PaddedModel)
    assert isinstance(batch_model(unpadded(model)), SeparateTexts)
    assert isinstance(batch_model(UncachedLanguageModel(model)), SeparateTexts)


def test_a_model_may_be_read_one_token_at_a_time() -> None:
    """The oracle: one forward pass of the text; and no forward pass reads more than a token."""
    model = MODELS["gemma2"]
    sizes: list[int] = []

    def note(module: object, args: object, kwargs: dict[str, torch.Tensor]) -> None:
        sizes.append(kwargs["input_ids"].shape[1])

    expected = model(input_ids=torch.tensor([TEXTS[0]])).logits[0]
    handle = model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        read = one_by_one(model)
        found = torch.cat(
            [
                read.extend(torch.tensor(TEXTS[0][:9]), 4),
                read.extend(torch.tensor(TEXTS[0][9:]), 15),
            ]
        )
        assert set(sizes) == {1}
        assert not read.can_rewind
    finally:
        handle.remove()
    torch.testing.assert_close(found, expected[5:], atol=1e-4, rtol=0)
