"""Batches of texts against forward passes of each text by itself, without a cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
import torch
from torch import Tensor
from transformers import MambaConfig, PreTrainedModel

from app.decoding.batch_model import PaddedModel, SeparateTexts, batch_model, open_batch_model
from app.decoding.capturing import uncaptured
from app.decoding.graphs import GraphedLanguageModel
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


def graphed(model: PreTrainedModel) -> TransformersLanguageModel:
    return GraphedLanguageModel(model, capture=uncaptured)


class Broken:
    """A cache whose second layer fits no batch."""

    size, device = 0, torch.device("cpu")

    def __init__(self, layers: Sequence[tuple[Tensor, Tensor]]) -> None:
        self._layers = layers

    def keys_and_values(self) -> Sequence[tuple[Tensor, Tensor]]:
        return self._layers

    def reusable(self, common: int) -> int:
        return common

    def copy(self, length: int) -> Broken:
        return self


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


def read_to(read: TransformersLanguageModel, text: list[int], length: int) -> None:
    read.rewind(0)
    read.extend(torch.tensor(text[:length]))


def check_joining(read: TransformersLanguageModel) -> None:
    """Texts join, longer and shorter than the others, leave, and go on by themselves."""
    expected = [read.model(input_ids=torch.tensor([text])).logits[0] for text in TEXTS]
    batch = open_batch_model(read)
    lengths: dict[int, int] = {}

    def join(row: int, length: int) -> None:
        read_to(read, TEXTS[row], length)
        state = read.take_state()
        batch.join(TEXTS[row][:length], state)
        lengths[row] = length
        if state is not None:  # it is the caller's, and as it was
            read.put_state(state)
            found = read.extend(torch.tensor(TEXTS[row][length : length + 1]))
            torch.testing.assert_close(found[0], expected[row][length], atol=1e-4, rtol=0)

    def step() -> None:
        tokens = [[TEXTS[row][length]] for row, length in lengths.items()]
        found = batch.extend(torch.tensor(tokens))
        for place, row in enumerate(lengths):
            wanted = expected[row][lengths[row]]
            torch.testing.assert_close(found[place, 0], wanted, atol=1e-4, rtol=0)
            lengths[row] += 1

    def leave(row: int) -> None:
        places = [place for place, other in enumerate(lengths) if other != row]
        batch.keep(torch.tensor(places, dtype=torch.int64))
        del lengths[row]

    join(0, 5)
    step()
    join(1, 12)  # longer: the other is padded
    step()
    join(2, 3)  # shorter
    step()
    step()
    leave(1)
    step()
    state = batch.state(1)
    if state is not None:
        read.rewind(0)
        read.put_state(state)
        found = read.extend(torch.tensor(TEXTS[2][lengths[2] : lengths[2] + 1]))
        torch.testing.assert_close(found[0], expected[2][lengths[2]], atol=1e-4, rtol=0)
    step()
    leave(0)
    leave(2)
    join(1, 7)  # into an empty batch
    step()


READERS = [cached, one_by_one, unpadded, UncachedLanguageModel, graphed]


@pytest.mark.parametrize("make", READERS)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_texts_join_a_batch_and_leave_it(
    model: PreTrainedModel, make: Callable[[PreTrainedModel], TransformersLanguageModel]
) -> None:
    check_joining(make(model))


def test_a_text_that_cannot_join_leaves_the_batch_as_it_was() -> None:
    read = cached(MODELS["qwen2"])
    expected = read.model(input_ids=torch.tensor([TEXTS[0]])).logits[0]
    batch = open_batch_model(read)
    read_to(read, TEXTS[0], 6)
    batch.join(TEXTS[0][:6], read.take_state())
    read_to(read, TEXTS[1], 9)
    state = read.take_state()
    assert state is not None
    held = state.keys_and_values()
    assert held is not None
    with pytest.raises(RuntimeError):
        batch.join(TEXTS[1][:9], Broken([held[0], (held[1][0][..., :3], held[1][1])]))
    found = batch.extend(torch.tensor([TEXTS[0][6:8]]))
    torch.testing.assert_close(found[0], expected[6:8], atol=1e-4, rtol=0)


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
    check_joining(read)


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
