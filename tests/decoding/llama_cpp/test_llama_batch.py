"""Batches of llama.cpp against plain forward passes of each text by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.decoding.batch_model import batch_model, open_batch_model
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.errors import Cancelled, ModelError
from tests import tiny
from tests.decoding.llama_cpp.conftest import Opened
from tests.decoding.llama_cpp.test_recurrent import CONFIGS as RECURRENT
from tests.decoding.llama_cpp.test_rows import CONFIGS, EXACT, assert_near, plain

TEXTS = [[(5 * place + 3 * row) % tiny.VOCABULARY for place in range(40)] for row in range(3)]
LENGTHS = (11, 6, 9)


@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt2", "qwen3_moe"])
def test_each_text_is_read_as_by_itself(name: str, opened: Opened) -> None:
    model = tiny.random_model(CONFIGS[name], seed=4)
    wanted = [plain(model, torch.tensor(text)) for text in TEXTS]
    batch = batch_model(LlamaCppLanguageModel(opened(model), options=EXACT))
    prompts = [text[:length] for text, length in zip(TEXTS, LENGTHS, strict=True)]
    for _ in range(2):  # the second batch takes the place of the first
        found = batch.prefill(prompts, lambda: False)
        for row, length in enumerate(LENGTHS):
            assert_near(found[row], wanted[row][length - 1])
        blocks = [text[length : length + 25] for text, length in zip(TEXTS, LENGTHS, strict=True)]
        found = batch.extend(torch.tensor(blocks))  # more rows than one forward pass has
        for row, length in enumerate(LENGTHS):
            assert_near(found[row], wanted[row][length : length + 25])
        batch.keep(torch.tensor([2, 0]))
        found = batch.extend(torch.tensor([[TEXTS[row][LENGTHS[row] + 25]] for row in (2, 0)]))
        for place, row in enumerate((2, 0)):
            assert_near(found[place, 0], wanted[row][LENGTHS[row] + 25])


def test_a_batch_moves_to_a_larger_cache(opened: Opened) -> None:
    config = CONFIGS["llama"].__class__(
        **{**CONFIGS["llama"].to_dict(), "max_position_embeddings": 4096}
    )
    model = tiny.random_model(config, seed=4)
    text = torch.arange(1100) * 7 % tiny.VOCABULARY
    wanted = plain(model, text)
    batch = LlamaCppLanguageModel(opened(model), options=EXACT).batch()
    batch.prefill([text[:1000].tolist(), text[:3].tolist(), text[:20].tolist()], lambda: False)
    batch.keep(torch.tensor([2, 0]))
    found = batch.extend(torch.stack([text[20:60], text[1000:1040]]))
    assert_near(found[0], wanted[20:60])
    assert_near(found[1], wanted[1000:1040])
    assert_near(batch.extend(torch.stack([text[60:61], text[1040:1041]]))[0], wanted[60:61])


def test_padding_beyond_the_context_is_not_read(opened: Opened) -> None:
    model = tiny.random_model(CONFIGS["gpt2"], seed=4)  # positions are a table of 512
    text = torch.arange(600) * 7 % tiny.VOCABULARY
    wanted = plain(model, text[:512])
    batch = LlamaCppLanguageModel(opened(model), options=EXACT).batch()
    batch.prefill([text[:500].tolist(), text[:3].tolist()], lambda: False)
    found = batch.extend(torch.stack([text[500:520], text[3:23]]))
    assert_near(found[0, :12], wanted[500:])
    assert not found[0, 12:].any()
    assert_near(found[1], wanted[3:23])


def test_a_prefill_is_cancelled(opened: Opened) -> None:
    model = tiny.random_model(CONFIGS["llama"], seed=4)
    batch = LlamaCppLanguageModel(opened(model)).batch()
    with pytest.raises(Cancelled):
        batch.prefill([[1, 2], [3]], lambda: True)


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_texts_join_with_their_states_and_leave_with_copies(name: str, opened: Opened) -> None:
    model = tiny.random_model(CONFIGS[name], seed=4)
    wanted = [plain(model, torch.tensor(text)) for text in TEXTS]
    alone = LlamaCppLanguageModel(opened(model), options=EXACT)
    batch = open_batch_model(alone)
    alone.extend(torch.tensor(TEXTS[0][:9]))
    state = alone.take_state()
    assert state is not None
    batch.join(TEXTS[0][:7], state.copy(7))
    batch.join(TEXTS[1][:12], None)
    found = batch.extend(torch.tensor([TEXTS[0][7:10], TEXTS[1][12:15]]))
    assert_near(found[0], wanted[0][7:10])
    assert_near(found[1], wanted[1][12:15])
    left = batch.state(0)
    assert (left is None) == (name == "gemma2")  # its window has left tokens behind
    batch.keep(torch.tensor([1]))
    batch.join(TEXTS[2][:5], None)
    found = batch.extend(torch.tensor([TEXTS[1][15:16], TEXTS[2][5:6]]))
    assert_near(found[0], wanted[1][15:16])
    assert_near(found[1], wanted[2][5:6])
    if left is not None:
        alone.put_state(left)
        assert_near(alone.extend(torch.tensor(TEXTS[0][10:20]), 10), wanted[0][10:20])
    batch.keep(torch.tensor([], dtype=torch.int64))
    batch.join(TEXTS[0][:3], None)
    assert_near(batch.extend(torch.tensor([TEXTS[0][3:4]]))[0], wanted[0][3:4])


def test_a_text_that_cannot_join_leaves_the_batch_as_it_was(opened: Opened) -> None:
    model = tiny.random_model(CONFIGS["llama"], seed=4)
    wanted = plain(model, torch.tensor(TEXTS[0]))
    batch = LlamaCppLanguageModel(opened(model), options=EXACT).batch()
    batch.join(TEXTS[0][:7], None)
    with pytest.raises(ModelError, match="invalid token"):
        batch.join([5, tiny.VOCABULARY], None)
    assert_near(batch.extend(torch.tensor([TEXTS[0][7:8]]))[0], wanted[7:8])


def test_more_texts_move_to_a_larger_context(opened: Opened) -> None:
    model = tiny.random_model(CONFIGS["llama"], seed=4)
    wanted = [plain(model, torch.tensor(text)) for text in TEXTS]
    batch = LlamaCppLanguageModel(opened(model), options=EXACT).batch()
    for place in range(9):
        batch.join(TEXTS[place % 3][: place + 3], None)
    tokens = [[TEXTS[place % 3][place + 3]] for place in range(9)]
    for place, rows in enumerate(batch.extend(torch.tensor(tokens))):
        assert_near(rows[0], wanted[place % 3][place + 3])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["llama", "gemma2", "mamba", "lfm2"])
@pytest.mark.parametrize("seed", range(3))
def test_whoever_joins_goes_on_and_leaves(name: str, seed: int, opened: Opened) -> None:
    random = np.random.default_rng(seed)
    model = tiny.random_model({**CONFIGS, **RECURRENT}[name], seed=4)
    alone = LlamaCppLanguageModel(opened(model), options=EXACT)
    batch, texts = alone.batch(), list[list[int]]()
    for _ in range(30):
        if len(texts) < 6 and (not texts or random.random() < 0.5):
            text = random.integers(tiny.VOCABULARY, size=random.integers(1, 90)).tolist()
            alone.rewind(0)
            alone.extend(torch.tensor(text))
            batch.join(text, alone.take_state() if random.random() < 0.5 else None)
            texts.append(text)
        if random.random() < 0.3:
            kept = random.permutation(len(texts))[: random.integers(1, len(texts) + 1)].tolist()
            batch.keep(torch.tensor(kept))
            texts = [texts[place] for place in kept]
        count = int(random.integers(1, 12))
        new = random.integers(tiny.VOCABULARY, size=(len(texts), count))
        found = batch.extend(torch.from_numpy(new))
        texts = [[*text, *ids] for text, ids in zip(texts, new.tolist(), strict=True)]
        for rows, text in zip(found, texts, strict=True):
            assert_near(rows, plain(model, torch.tensor(text))[-count:])
