"""Texts that were read before against forward passes of the whole text, without any cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import PreTrainedModel

from app.decoding import model_context, prefix_cache
from app.decoding.cache_state import DynamicCacheState
from app.decoding.cache_support import has_recurrent_state
from app.decoding.capturing import uncaptured
from app.decoding.combining import Pair
from app.decoding.ensemble import Ensemble
from app.decoding.graphs import GraphedLanguageModel
from app.decoding.kv_cache import make_cache
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.prefix_cache import PrefixCache
from app.decoding.uncached_model import UncachedLanguageModel
from app.errors import Cancelled, ModelError
from tests import tiny
from tests.architectures.tiny_configurations import tiny_configuration

RECURRENT = "mamba", "jamba", "falcon_h1", "qwen3_next"
CONVOLVING = ("lfm2",)
MODELS = {name: tiny.make_model(name, 7) for name in tiny.ARCHITECTURES}
IN_STEPS = "llama, in steps", "gemma2, in steps"
PLENTY = 1 << 30


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(autouse=True)
def short_texts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_cache, "SHORTEST", 4)


@cache
def model_of(kind: str) -> PreTrainedModel:
    if kind in MODELS:
        return MODELS[kind]
    return tiny.random_model(tiny_configuration(kind, tiny.VOCABULARY), 7)


def uncached(model: PreTrainedModel, tokens: Sequence[int]) -> Tensor:
    return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1].float()


def ids(seed: int, count: int) -> list[int]:
    return np.random.default_rng(seed).integers(1, 300, count).tolist()


class Reading:
    """One model as an ensemble that keeps what it has read; counts the tokens that it reads."""

    def __init__(
        self, model: PreTrainedModel, limit: int = PLENTY, *, in_steps: bool = False
    ) -> None:
        self.model = model
        self.read = 0
        # a state that is summed up token by token rounds more, and on each processor otherwise
        self.rounding = 1e-3 if has_recurrent_state(model) else 1e-4
        reading = self

        class Counted(TransformersLanguageModel):
            def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
                reading.read += len(tokens)
                return super().extend(tokens, last)

        class CountedSteps(GraphedLanguageModel):
            def extend(self, tokens: Tensor, last: int = 1) -> Tensor:
                reading.read += len(tokens)
                return super().extend(tokens, last)

        counted = CountedSteps(model, capture=uncaptured) if in_steps else Counted(model)
        self.ensemble = Ensemble([counted], ["base"], [])
        self.ensemble.prefixes.limit = limit

    def resume(self, text: Sequence[int], answer: Sequence[int] = ()) -> int:
        """Read ``text`` and ``answer``, and compare logits; returns the tokens read of ``text``."""
        before = self.read
        logits = self.ensemble.resume([text], ())
        found = self.read - before
        assert self.ensemble.reused == (len(text) - found,)
        expected = uncached(self.model, text)
        torch.testing.assert_close(logits.rows[0, 0], expected, atol=self.rounding, rtol=0)
        for place, token in enumerate(answer):
            logits = self.ensemble.extend([token])
            expected = uncached(self.model, [*text, *answer[: place + 1]])
            torch.testing.assert_close(logits.rows[0, 0], expected, atol=self.rounding, rtol=0)
        return found

    def resume_cancelled(self, text: Sequence[int]) -> None:
        """Cancel after the first token that has to be read."""
        asked = iter([False, True])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(model_context, "PREFILL_CHUNK", 1)
            with pytest.raises(Cancelled):
                self.ensemble.resume([text], (), lambda: next(asked))


def reading_of(kind: str, limit: int = PLENTY) -> Reading:
    return Reading(model_of(kind.removesuffix(", in steps")), limit, in_steps=kind in IN_STEPS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*tiny.ARCHITECTURES, *RECURRENT, *CONVOLVING, *IN_STEPS])
def test_conversations_in_turn_read_their_new_tokens_alone(kind: str) -> None:
    reading = reading_of(kind)
    system = ids(0, 20)
    texts = [[*system, *ids(1, 5)], [*system, *ids(2, 6)]]
    assert reading.resume(texts[0], ids(11, 5)) == 25
    first = reading.resume(texts[1], ids(12, 5))
    assert first == (26 if kind in RECURRENT else 6)
    for turn in range(2):
        for place in range(2):
            asked = ids(20 + 2 * turn + place, 4)
            texts[place] = [*texts[place], *ids(11 + place, 5), *asked]
            # the last token of an answer has been read as well
            assert reading.resume(texts[place], ids(11 + place, 5)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*tiny.ARCHITECTURES, *RECURRENT, *CONVOLVING, *IN_STEPS])
def test_several_answers_to_one_prompt_read_it_once(kind: str) -> None:
    reading = reading_of(kind)
    prompt = ids(1, 30)
    read = [reading.resume(prompt, ids(seed, 5)) for seed in range(3)]
    assert read == [30, 1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*tiny.ARCHITECTURES, *IN_STEPS])
def test_a_branch_keeps_the_text_that_it_leaves(kind: str) -> None:
    reading = reading_of(kind)
    long, other = ids(1, 40), [*ids(1, 40)[:10], *ids(2, 12)]
    assert reading.resume(long) == 40
    assert reading.resume(other) == 12
    assert reading.resume([*long, 5]) == 1
    assert reading.resume([*other, 6]) == 1
    assert reading.resume([*long[:30], 7]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*tiny.ARCHITECTURES, "jamba", *CONVOLVING, *IN_STEPS])
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(1, 9), st.booleans()),
        min_size=2,
        max_size=8,
    ),
    limit=st.sampled_from([0, 20_000, PLENTY]),
)
def test_whatever_was_read_before_changes_no_logits(
    kind: str, steps: list[tuple[int, int, int, bool]], limit: int
) -> None:
    """Texts that continue, shorten and replace each other, some of them cancelled in between."""
    reading = reading_of(kind, limit)
    texts = [ids(seed, 6) for seed in range(4)]
    for number, (place, cut, more, cancel) in enumerate(steps):
        texts[place] = [*texts[place][: max(1, len(texts[place]) - cut)], *ids(number, more)]
        if cancel:
            reading.resume_cancelled([*texts[place], 1, 2])
        reading.resume(texts[place], ids(number, 2))
        assert reading.ensemble.prefixes.size <= limit


def test_each_role_has_its_own_prompt_and_all_reuse_it(llama: tiny.Family) -> None:
    models = llama.models()
    ensemble = Ensemble(list(map(TransformersLanguageModel, models)), "abc", [Pair("p", 1, 2)])
    ensemble.prefixes.limit = PLENTY
    prompts = [ids(1, 12), ids(2, 9), [3, *ids(1, 12)]]
    ensemble.prefill(prompts)
    ensemble.extend([7])
    ensemble.resume([ids(5, 8)] * 3, ())
    logits = ensemble.resume(prompts, [7, 9])
    assert ensemble.reused == (13, 10, 14)
    for row, model, prompt in zip(logits.rows[:, 0], models, prompts, strict=True):
        torch.testing.assert_close(row, uncached(model, [*prompt, 7, 9]), atol=1e-4, rtol=0)


def test_a_role_alone_shares_what_was_read(llama: tiny.Family) -> None:
    models = llama.models()
    ensemble = Ensemble(list(map(TransformersLanguageModel, models)), "abc", [Pair("p", 1, 2)])
    ensemble.prefixes.limit = PLENTY
    prompt = ids(1, 12)
    ensemble.prefill([prompt] * 3)
    ensemble.extend(ids(3, 6))
    alone = ensemble.only(1)
    alone.resume([prompt], ())
    assert alone.reused == (11,)
    alone.extend([44])
    logits = ensemble.resume([prompt] * 3, [*ids(3, 6), 8])
    assert ensemble.reused == (18, 18, 18)
    for row, model in zip(logits.rows[:, 0], models, strict=True):
        expected = uncached(model, [*prompt, *ids(3, 6), 8])
        torch.testing.assert_close(row, expected, atol=1e-4, rtol=0)


def test_a_prefill_reuses_nothing_and_loses_nothing() -> None:
    reading = Reading(MODELS["llama"])
    prompt = ids(1, 12)
    reading.resume(prompt)
    fresh = reading.ensemble.prefill([prompt])
    assert reading.read == 24
    assert reading.ensemble.reused == (0,)
    again = reading.ensemble.prefill([prompt])
    assert torch.equal(fresh.rows, again.rows)
    reading.resume(ids(2, 12))
    assert reading.resume([*prompt, 5]) == 1


def test_without_a_bound_only_the_last_text_is_reused() -> None:
    reading = Reading(MODELS["llama"], 0)
    prompt = ids(1, 12)
    assert [reading.resume([*prompt, 5]), reading.resume([*prompt, 6])] == [13, 1]
    assert [reading.resume(ids(2, 12)), reading.resume([*prompt, 5])] == [12, 13]
    assert reading.ensemble.prefixes.size == 0


def test_what_models_read_wrongly_is_forgotten(llama: tiny.Family) -> None:
    """A failed forward pass, and logits that are not numbers."""
    model = llama.models()[0]
    reading = Reading(model)
    prompt = ids(1, 12)
    reading.resume(prompt)
    weight = model.model.layers[1].mlp.up_proj.weight
    right = weight.clone()
    weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="not numbers"):
        reading.ensemble.resume([[*prompt, 5, 6]], ())
    weight.copy_(right)
    assert reading.resume([*prompt, 5, 6]) == 14

    def broken(*_: object) -> None:
        raise RuntimeError("interrupted")

    with model.model.layers[1].register_forward_pre_hook(broken), pytest.raises(RuntimeError):
        reading.ensemble.resume([[*prompt, 5, 6, 7]], ())
    assert reading.resume([*prompt, 5, 6, 7]) == 15


def test_a_model_that_another_ensemble_has_used_is_read_anew() -> None:
    model = TransformersLanguageModel(MODELS["llama"])
    one, other = (Ensemble([model], ["base"], []) for _ in range(2))
    prompt = ids(1, 12)
    one.resume([prompt], ())
    other.resume([ids(2, 20)], ())
    logits = one.resume([[*prompt, 5]], ())
    expected = uncached(MODELS["llama"], [*prompt, 5])
    torch.testing.assert_close(logits.rows[0, 0], expected, atol=1e-4, rtol=0)


def test_a_model_that_hands_over_no_cache_reuses_the_last_text() -> None:
    model = MODELS["llama"]
    ensemble = Ensemble([UncachedLanguageModel(model)], ["base"], [])
    ensemble.prefixes.limit = PLENTY
    prompt = ids(1, 12)
    for text in (prompt, [*prompt, 5, 6], [*prompt, 7], ids(2, 12), [*prompt, 8]):
        logits = ensemble.resume([text], ())
        torch.testing.assert_close(logits.rows[0, 0], uncached(model, text), atol=1e-4, rtol=0)
    assert ensemble.prefixes.size == 0


def kept(length: int, held: int, tokens: Sequence[int]) -> DynamicCacheState:
    """A state whose buffers have room for ``held`` tokens of 1,000 bytes."""
    cache = make_cache(MODELS["llama"].config)
    cache.layers = cache.layers[:1]
    states = torch.zeros(1, 1, held, 125)
    cache.layers[0].keys = cache.layers[0].values = states
    return DynamicCacheState(cache, length, 0, shortens=True)


def test_the_least_recently_used_goes_first() -> None:
    prefixes = PrefixCache(3 * 5000)
    texts = [ids(seed, 10) for seed in range(4)]
    for text in texts[:3]:
        prefixes.keep("a", text, kept(10, 10, text))
    assert prefixes.size == 15_000
    found, common = prefixes.longest("a", np.array(texts[0]))
    assert found is not None
    assert common == 10
    prefixes.remove(found)
    prefixes.keep("a", texts[0], found.state)
    prefixes.keep("a", texts[3], kept(10, 10, texts[3]))
    assert [prefixes.longest("a", np.array(text))[1] for text in texts] == [10, 0, 10, 10]
    assert prefixes.longest("b", np.array(texts[0])) == (None, 0)
    prefixes.limit = 5000
    assert [prefixes.longest("a", np.array(text))[1] for text in texts] == [0, 0, 0, 10]
    assert prefixes.size_on() == {"cpu": 5000}
    prefixes.limit = 4999
    assert prefixes.size == 0


def test_a_longer_text_replaces_its_beginning() -> None:
    prefixes = PrefixCache(PLENTY)
    text = ids(1, 10)
    for length in (5, 10, 7):
        prefixes.keep("a", text[:length], kept(length, length, text))
    sizes = [size for size in (2500, 5000, 3500, 8500) if prefixes.size == size]
    assert sizes == [8500]  # 10 replaced 5, and 7 is no longer text than 10


@pytest.mark.parametrize("kind", ["llama", "gemma2"])
def test_a_copy_does_not_change_with_the_cache_that_it_was_copied_from(kind: str) -> None:
    model = TransformersLanguageModel(MODELS[kind])
    text = ids(1, 20)
    model.extend(torch.tensor(text))
    state = model.take_state()
    assert state is not None
    assert model.length == 0
    copied = state.copy(12)
    model.put_state(state)
    model.rewind(5)
    model.extend(torch.tensor(ids(2, 9)))
    model.put_state(copied)
    logits = model.extend(torch.tensor([8, 9]))
    expected = uncached(MODELS[kind], [*text[:12], 8, 9])
    torch.testing.assert_close(logits[0], expected, atol=1e-4, rtol=0)
