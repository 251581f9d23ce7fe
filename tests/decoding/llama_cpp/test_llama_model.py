"""The language model of llama.cpp: cache states, growth, errors, adapters, against plain passes."""

from __future__ import annotations

import ctypes
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from app.decoding.cache_state import CacheState, StatefulModel
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import LanguageModel
from app.decoding.llama_cpp.library import library
from app.decoding.llama_cpp.llama_context import ContextOptions, KvType
from app.decoding.llama_cpp.llama_model import LlamaCppLanguageModel
from app.decoding.llama_cpp.llama_weights import LlamaCppWeights
from app.errors import Cancelled, CheckpointError, ContextLengthError, DeviceError, ModelError
from tests import tiny, tiny_gguf
from tests.decoding.llama_cpp.conftest import Opened
from tests.decoding.llama_cpp.test_rows import CONFIGS, EXACT, assert_near, plain

TEXT = torch.arange(1200) * 7 % tiny.VOCABULARY


@pytest.fixture(params=["llama", "gemma2"])
def long_model(request: pytest.FixtureRequest) -> PreTrainedModel:
    """A model without and one with sliding windows."""
    config = deepcopy(CONFIGS[request.param])
    config.max_position_embeddings = 1150
    return tiny.random_model(config, seed=2)


@pytest.fixture
def model(long_model: PreTrainedModel, opened: Opened) -> LlamaCppLanguageModel:
    return LlamaCppLanguageModel(opened(long_model), options=EXACT)


def test_it_is_a_language_model_with_a_state(model: LlamaCppLanguageModel) -> None:
    checked: LanguageModel = model
    assert checked.can_rewind
    assert isinstance(model, StatefulModel)


def test_a_growing_text_moves_to_a_larger_cache(
    model: LlamaCppLanguageModel, long_model: PreTrainedModel
) -> None:
    wanted = plain(long_model, TEXT[:1150])
    model.extend(TEXT[:1020])
    assert_near(model.extend(TEXT[1020:1100], 80), wanted[1020:1100])
    model.rewind(700)
    assert_near(model.extend(TEXT[700:1150], 3), wanted[-3:])


def test_a_text_longer_than_the_context_is_refused_and_nothing_is_lost(
    model: LlamaCppLanguageModel, long_model: PreTrainedModel
) -> None:
    model.extend(TEXT[:1149])
    with pytest.raises(ContextLengthError, match=r"1,151 tokens, the context is 1,150"):
        model.extend(TEXT[1149:1151])
    assert_near(model.extend(TEXT[1149:1150]), plain(long_model, TEXT[:1150])[-1:])
    assert LlamaCppLanguageModel(model.weights, 100).context_length == 100


def test_states_are_taken_copied_and_put_back(
    model: LlamaCppLanguageModel, long_model: PreTrainedModel
) -> None:
    wanted = plain(long_model, TEXT[:90])
    assert model.take_state() is None
    model.extend(TEXT[:80])
    state = model.take_state()
    assert state is not None
    assert (model.length, state.size > 80) == (0, True)
    model.extend(TEXT[200:230])  # another text meanwhile
    model.put_state(state.copy(50))
    assert model.length == 50
    assert_near(model.extend(TEXT[50:60], 10), wanted[50:60])
    other = model.another()
    other.put_state(state)
    assert_near(other.extend(TEXT[80:90], 10), wanted[80:])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_read_rewound_kept_and_put_back(
    model: LlamaCppLanguageModel, long_model: PreTrainedModel, seed: int
) -> None:
    random = np.random.default_rng(seed)
    text: list[int] = []
    kept: list[tuple[list[int], CacheState]] = []
    for _ in range(40):
        if text and random.random() < 0.3:
            text = text[: random.integers(len(text))]
            model.rewind(len(text))
        if text and random.random() < 0.2:
            state = model.take_state()
            assert state is not None
            kept.append((text, state))
            text = []
        if kept and random.random() < 0.2:
            held, state = kept[random.integers(len(kept))]
            text = held[: random.integers(1, len(held) + 1)]
            model.put_state(state.copy(len(text)))
        new = random.integers(tiny.VOCABULARY, size=random.integers(1, 150)).tolist()
        if len(text) + len(new) > 1150:
            new, text = new[:5], []
            model.rewind(0)
        text = [*text, *new]
        last = int(random.integers(1, len(new) + 1))
        rows = model.extend(torch.tensor(new), last)
        assert_near(rows, plain(long_model, torch.tensor(text))[-last:])


def test_prompts_with_the_same_beginning_are_read_once(
    model: LlamaCppLanguageModel, long_model: PreTrainedModel
) -> None:
    ensemble = Ensemble([model], ["base"], ())
    ensemble.prefixes.limit = 2**24
    one, other = TEXT[:300].tolist(), [*TEXT[:100].tolist(), *TEXT[500:700].tolist()]
    ensemble.resume([one], ())
    for prompt, reused in ((other, 100), (one, 299), (other, 299)):
        rows = ensemble.resume([prompt], ()).rows[0]
        assert ensemble.reused == (reused,)
        assert_near(rows, plain(long_model, torch.tensor(prompt))[-1:])
    ensemble.release_buffers()
    assert model.length == 0
    assert ensemble.prefixes.size == 0


def test_an_unknown_token_is_an_error_and_the_model_goes_on(
    model: LlamaCppLanguageModel, long_model: PreTrainedModel
) -> None:
    model.extend(TEXT[:10])
    with pytest.raises(ModelError, match="invalid token"):
        model.extend(torch.tensor([5, tiny.VOCABULARY]))
    assert model.length == 0
    assert_near(model.extend(TEXT[:10]), plain(long_model, TEXT[:10])[-1:])


def test_logits_that_are_not_numbers_are_reported(
    long_model: PreTrainedModel, opened: Opened
) -> None:
    with torch.no_grad():
        long_model.model.norm.weight.fill_(float("nan"))
    ensemble = Ensemble([LlamaCppLanguageModel(opened(long_model))], ["expert"], ())
    with pytest.raises(ModelError, match="The expert computed logits that are not numbers"):
        ensemble.prefill([[1, 2, 3]])


def test_a_load_reports_progress_and_is_cancelled(
    long_model: PreTrainedModel, tmp_path: Path
) -> None:
    path = tiny_gguf.write(long_model, tmp_path / "model.gguf")
    shares: list[float] = []
    LlamaCppWeights.open([path], on_progress=shares.append).close()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with pytest.raises(Cancelled):
        LlamaCppWeights.open([path], cancelled=lambda: True)
    with pytest.raises(ZeroDivisionError):
        LlamaCppWeights.open([path], on_progress=lambda share: 1 / 0)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "note.gguf"
    path.write_text("this is no model")
    with pytest.raises(CheckpointError, match=r"note\.gguf \(.*magic") as caught:
        LlamaCppWeights.open([path])
    assert caught.value.next_step


def test_a_type_of_cache_that_does_not_fit_the_model_is_named(opened: Opened) -> None:
    weights = opened(tiny.random_model(CONFIGS["llama"], seed=1))  # heads of 16 numbers
    model = LlamaCppLanguageModel(weights, options=ContextOptions(KvType.Q8_0))
    with pytest.raises(DeviceError, match=r"with this KV cache \(.*q8_0 with block size 32"):
        model.extend(TEXT[:5])


def test_weights_outlive_what_uses_them_and_no_longer(opened: Opened) -> None:
    model = tiny.random_model(CONFIGS["llama"], seed=1)
    weights = opened(model)
    ours = LlamaCppLanguageModel(weights, options=EXACT)
    del weights
    assert_near(ours.extend(TEXT[:5]), plain(model, TEXT[:5])[-1:])
    ours.release()
    ours.weights.close()
    with pytest.raises(ValueError, match="closed"):
        ours.extend(TEXT[:5])


def test_a_step_holds_no_lock_of_python() -> None:
    takes_the_lock = 0x4  # FUNCFLAG_PYTHONAPI of ctypes
    for name in ("llama_decode", "llama_synchronize", "llama_model_load_from_file"):
        assert not getattr(library(), name)._flags_ & takes_the_lock
    assert not type(ctypes.memmove)._flags_ & takes_the_lock


def test_adapters_change_what_shares_the_weights(
    long_model: PreTrainedModel, opened: Opened, tmp_path: Path
) -> None:
    weights = opened(long_model)
    merged = deepcopy(long_model)
    changes = tiny_gguf.write_adapter(tmp_path / "adapter.gguf", long_model, seed=5)
    with torch.no_grad():
        for layer, change in zip(merged.model.layers, changes, strict=True):
            layer.self_attn.o_proj.weight += 0.5 * torch.from_numpy(change)
    adapted = weights.adapted([(tmp_path / "adapter.gguf", 0.5)])
    tuned = LlamaCppLanguageModel(adapted, options=EXACT)
    assert_near(tuned.extend(TEXT[:30], 30), plain(merged, TEXT[:30]))
    untouched = LlamaCppLanguageModel(weights, options=EXACT)
    assert_near(untouched.extend(TEXT[:30], 30), plain(long_model, TEXT[:30]))


def test_an_adapter_of_another_model_is_refused(opened: Opened, tmp_path: Path) -> None:
    weights = opened(tiny.random_model(CONFIGS["qwen2"], seed=1))
    other = tiny.random_model(CONFIGS["llama"], seed=1)
    tiny_gguf.write_adapter(tmp_path / "other.gguf", other, seed=5)
    with pytest.raises(CheckpointError, match=r"the LoRA adapter other\.gguf"):
        weights.adapted([(tmp_path / "other.gguf", 1.0)])
