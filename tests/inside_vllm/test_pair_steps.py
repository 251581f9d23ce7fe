"""Texts of a server, read step by step, against plain forward passes of each text alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from transformers import PreTrainedModel

from app.decoding.batched_ensemble import OpenBatchedEnsemble
from app.decoding.combining import Pair
from app.decoding.ensemble import Ensemble
from app.decoding.kv_cache import GrowingLayer
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.uncached_model import UncachedLanguageModel
from app.errors import ContextLengthError, DeviceError, ModelError
from app.inside_vllm.pair_steps import PairRows, PairSteps, ServedText
from tests import tiny

FAMILIES = {
    name: [tiny.make_model(name, seed) for seed in (1, 2, 3, 4)]
    for name in ("llama", "qwen2", "gemma2", "gpt2")
}
PAIRS = (Pair("one", 0, 1), Pair("two", 2, 3))
BYTES = 10_000_000


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@dataclass
class Server:
    """Appends random tokens to texts, and checks the rows of every step."""

    models: list[PreTrainedModel]
    steps: PairSteps
    random: random.Random

    def text(self, length: int, alphas: tuple[float, float] = (1.0, 0.5)) -> ServedText:
        ids = [self.random.randrange(1, tiny.VOCABULARY) for _ in range(length)]
        return ServedText([ids, ids, ids, ids[1:]], [], alphas)

    def generate(self, text: ServedText) -> None:
        assert isinstance(text.output, list)
        text.output.append(self.random.randrange(1, tiny.VOCABULARY))

    def check(self, texts: list[ServedText]) -> PairRows:
        found = self.steps.step(texts)
        assert not found.failed
        assert len(found.texts) == len(texts)
        assert set(found.texts) == set(texts)
        for text, shift in zip(found.texts, found.shifts(), strict=True):
            torch.testing.assert_close(shift, self.expected(text), atol=1e-4, rtol=1e-4)
        return found

    def expected(self, text: ServedText) -> torch.Tensor:
        rows = [
            model(torch.tensor([[*prompt, *text.output]])).logits[0, -1]
            for model, prompt in zip(self.models, text.prompts, strict=True)
        ]
        first, second = text.alphas
        return first * (rows[0] - rows[1]) + second * (rows[2] - rows[3])


def server(architecture: str = "llama", prefix_bytes: int = BYTES) -> Server:
    models = FAMILIES[architecture]
    ensemble = Ensemble(list(map(TransformersLanguageModel, models)), "abcd", PAIRS)
    return Server(models, PairSteps(ensemble, lambda: prefix_bytes), random.Random(architecture))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", FAMILIES)
def test_texts_that_come_wait_and_go(architecture: str) -> None:
    serving = server(architecture)
    texts = [serving.text(length) for length in (5, 70, 2)]
    serving.check(texts)
    for number in range(6):
        for text in texts:
            serving.generate(text)
        if number == 2:  # the others go on while a new text is read in parts: it gains nothing
            texts.append(serving.text(90, (-0.5, 0.0)))
            serving.check(texts)
            for text in texts[:-1]:
                serving.generate(text)
        if number == 4:
            serving.steps.leave(texts.pop(0))
        serving.check(texts)
    assert serving.steps.texts == serving.steps.batched == 3


def test_a_step_without_new_tokens_gives_the_same_rows() -> None:
    serving = server()
    texts = [serving.text(4), serving.text(9)]
    first = serving.check(texts).shifts()
    again = serving.check(texts).shifts()
    assert torch.equal(first, again)


@pytest.mark.slow
def test_texts_of_which_a_server_schedules_some_in_turn() -> None:
    serving = server()
    texts = [serving.text(length) for length in (5, 30, 8, 2)]
    serving.check(texts)
    for turn in range(6):
        some = texts[turn % 2 :: 2]
        for text in some:
            serving.generate(text)
        serving.check(some)
    assert serving.steps.texts == 4


@pytest.mark.slow
@pytest.mark.parametrize("prefix_bytes", [0, BYTES])
def test_a_text_that_is_preempted_and_comes_back(prefix_bytes: int) -> None:
    serving = server(prefix_bytes=prefix_bytes)
    texts = [serving.text(80), serving.text(20)]
    for _ in range(3):
        serving.check(texts)
        for text in texts:
            serving.generate(text)
    serving.steps.leave(texts[0])
    assert serving.steps.texts == 1
    serving.check(texts[1:])
    resumed = ServedText(texts[0].prompts, list(texts[0].output), texts[0].alphas)
    serving.check([texts[1], resumed])


def test_a_text_that_leaves_frees_its_caches() -> None:
    serving = server(prefix_bytes=0)
    texts = [serving.text(20), serving.text(30)]
    serving.check(texts)
    for text in texts:
        serving.steps.leave(text)
    assert serving.steps.texts == serving.steps.batched == 0
    serving.steps.leave(texts[0])  # it was not there any more


@pytest.mark.slow
def test_what_texts_have_in_common_is_read_once() -> None:
    serving = server()
    first = serving.text(100)
    serving.check([first])
    second = ServedText([[*ids, 7] for ids in first.prompts], [], first.alphas)
    serving.check([first, second])
    assert serving.steps.reused >= 99


def test_tokens_that_were_taken_back_are_read_anew() -> None:
    serving = server()
    text = serving.text(6)
    serving.check([text])
    for _ in range(3):
        serving.generate(text)
        serving.check([text])
    assert isinstance(text.output, list)
    del text.output[1:]
    serving.check([text])


@pytest.mark.slow
def test_models_that_cannot_read_padded_texts() -> None:
    models = FAMILIES["llama"]
    ensemble = Ensemble(list(map(UncachedLanguageModel, models)), "abcd", PAIRS)
    serving = Server(models, PairSteps(ensemble), random.Random(3))
    texts = [serving.text(5), serving.text(9)]
    for _ in range(3):
        serving.check(texts)
        for text in texts:
            serving.generate(text)
    serving.check(texts[:1])
    serving.check(texts)


def test_a_text_that_is_too_long_fails_alone() -> None:
    serving = server()
    good, long = serving.text(5), serving.text(tiny.CONTEXT + 1)
    ensemble = Ensemble(
        [TransformersLanguageModel(model, tiny.CONTEXT) for model in serving.models], "abcd", PAIRS
    )
    serving.steps = PairSteps(ensemble)
    found = serving.steps.step([good, long])
    assert isinstance(found.failed[long], ContextLengthError)
    assert list(found.texts) == [good]
    serving.generate(good)
    serving.check([good])


def test_logits_that_are_not_numbers_end_the_text_that_has_them() -> None:
    models = [tiny.make_model("llama", seed) for seed in (1, 2, 3, 4)]
    with torch.no_grad():
        models[1].get_input_embeddings().weight[9] = float("nan")
    ensemble = Ensemble(list(map(TransformersLanguageModel, models)), "abcd", PAIRS)
    serving = Server(models, PairSteps(ensemble), random.Random(5))
    ids = [[4, 5, 6]] * 4
    good, bad = ServedText(ids, [], (1.0, 1.0)), ServedText(ids, [], (1.0, 0.0))
    serving.check([good, bad])
    good.output, bad.output = [7], [9]
    found = serving.steps.step([good, bad])
    assert isinstance(found.failed[bad], ModelError)
    assert list(found.texts) == [good]
    assert serving.steps.texts == 1
    serving.generate(good)
    serving.check([good])


def test_memory_that_ends_in_a_step_makes_each_text_read_again() -> None:
    serving = server()
    texts = [serving.text(5), serving.text(9)]
    serving.check(texts)
    forward = serving.models[0].forward
    failing = [torch.OutOfMemoryError("no memory")]

    def broken(*arguments: object, **options: object) -> object:
        if failing:
            raise failing.pop()
        return forward(*arguments, **options)

    for text in texts:
        serving.generate(text)
    serving.models[0].forward = broken  # type: ignore[method-assign]
    try:
        serving.check(texts)
    finally:
        del serving.models[0].forward
    assert not failing
    assert serving.steps.texts == serving.steps.batched == 2


def test_memory_that_ends_while_a_text_that_waited_joins_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serving = server()
    going, waiting = serving.text(5), serving.text(9)
    serving.check([going, waiting])
    serving.generate(going)
    serving.check([going])
    assert serving.steps.batched == 1
    for text in (going, waiting):
        serving.generate(text)
    failing = fail_once(monkeypatch, GrowingLayer, "join")
    serving.check([going, waiting])
    assert not failing
    assert serving.steps.texts == serving.steps.batched == 2


def test_memory_that_ends_after_a_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    serving = server()
    texts = [serving.text(5), serving.text(9)]
    serving.check(texts)
    for text in texts:
        serving.generate(text)
    failing = fail_once(monkeypatch, OpenBatchedEnsemble, "unusable")
    serving.check(texts)
    assert not failing
    for text in texts:
        serving.generate(text)
    serving.check(texts)


def test_memory_that_ends_while_a_text_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    serving = server()
    texts = [serving.text(5), serving.text(9)]
    serving.check(texts)
    failing = fail_once(monkeypatch, GrowingLayer, "keep_rows")
    serving.steps.leave(texts[0])
    assert not failing
    serving.generate(texts[1])
    serving.check(texts[1:])
    assert serving.steps.texts == serving.steps.batched == 1


def test_memory_that_ends_while_a_new_text_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    serving = server()
    text = serving.text(5)
    fail_once(monkeypatch, Ensemble, "resume")
    error = serving.steps.step([text]).failed[text]
    assert isinstance(error, DeviceError)
    assert "no memory" in str(error)
    serving.check([text])


def fail_once(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[Exception]:
    """Let memory end in the next call of a method; returns what is still to be raised."""
    method = getattr(owner, name)
    errors: list[Exception] = [torch.OutOfMemoryError("no memory")]

    def failing(*arguments: object) -> object:
        if errors:
            raise errors.pop()
        return method(*arguments)

    monkeypatch.setattr(owner, name, failing)
    return errors
