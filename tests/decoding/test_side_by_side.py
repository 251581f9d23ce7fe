"""Texts side by side against each text decoded alone, with everything that can end or change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from app.decoding import model_context
from app.decoding.batch_model import PaddedModel
from app.decoding.combining import Pair
from app.decoding.decode import decode
from app.decoding.decoded_text import DecodedText
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.side_by_side import SideBySide
from app.decoding.speculative import Speculator
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from app.decoding.uncached_model import UncachedLanguageModel
from app.errors import ContextLengthError, ModelError
from tests import tiny

TOKENIZER = tiny.make_tokenizer()
MODELS = {
    name: [tiny.make_model(name, seed) for seed in (1, 2, 3)]
    for name in ("llama", "qwen2", "gpt2", "gemma2")
}
Make = Callable[[PreTrainedModel], TransformersLanguageModel]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def unpadded(model: PreTrainedModel) -> TransformersLanguageModel:
    found = TransformersLanguageModel(model)
    found.pads_batches = False
    return found


def ensemble_of(
    models: Sequence[PreTrainedModel], make: Make = TransformersLanguageModel
) -> Ensemble:
    return Ensemble([make(model) for model in models], "abc", [Pair("p", 1, 2)])


@dataclass
class Asked:
    """What one client asks for, and what it got."""

    prompt: str
    config: GenerationConfig
    alpha: float = 1.0
    eos_ids: tuple[int, ...] = ()
    after: int = 0  # steps of the others
    cancelled: bool = False
    following: tuple[int, ...] = ()  # ids after the prompt's
    steps: list[TokenStep] = field(default_factory=list)

    def prompts(self) -> list[list[int]]:
        ids = TOKENIZER.encode(self.prompt).ids
        ids += self.following
        return [ids, ids, ids[1:]]  # roles may have prompts of different lengths

    def text(self) -> DecodedText:
        self.steps.clear()
        return DecodedText(
            self.prompts(),
            self.config,
            detokenizer=Detokenizer(TOKENIZER, self.prompts()[0]),
            eos_ids=self.eos_ids,
            alphas=lambda: (self.alpha,),
            cancelled=lambda: self.cancelled,
            on_step=self.steps.append,
        )

    def alone(self, ensemble: Ensemble) -> tuple[list[TokenStep], FinishReason]:
        steps = decode(
            ensemble,
            self.prompts(),
            self.config,
            detokenizer=Detokenizer(TOKENIZER, self.prompts()[0]),
            eos_ids=self.eos_ids,
            alphas=lambda: (self.alpha,),
        )
        found = []
        while True:
            try:
                found.append(next(steps))
            except StopIteration as end:
                return found, end.value


ASKED = [
    Asked("the king said", GenerationConfig(max_new_tokens=24, temperature=0.0)),
    Asked("the", GenerationConfig(max_new_tokens=9, temperature=0.0), alpha=-1.5, after=3),
    Asked(
        "thou art the king , and the queen is in the garden with 3 apples",
        GenerationConfig(max_new_tokens=16, temperature=1.1, top_p=0.9, seed=5),
        alpha=0.0,
        after=4,
    ),
    Asked(
        "How many? 12 + 30",
        GenerationConfig(max_new_tokens=20, temperature=0.7, repetition_penalty=1.4, top_k=30),
        after=4,
    ),
    Asked(
        "the sea was wide",
        GenerationConfig(max_new_tokens=30, temperature=1.4, seed=9, stop=("e", "zz")),
        after=6,
    ),
    Asked(
        "the night was",
        GenerationConfig(max_new_tokens=30, temperature=1.6, seed=3),
        eos_ids=tuple(range(0, tiny.VOCABULARY, 9)),
        after=12,
    ),
    Asked("garden", GenerationConfig(max_new_tokens=12, temperature=0.0), after=40),
]


def run(side: SideBySide, asked: Sequence[Asked]) -> list[DecodedText]:
    """Decode all; each joins after its number of steps."""
    waiting, begun, steps = list(asked), [], 0
    while waiting or side.texts:
        while waiting and (waiting[0].after <= steps or not side.texts):
            begun.append(waiting.pop(0).text())
            side.add(begun[-1])
        side.step()
        steps += 1
    return begun


def check_like_alone(
    asked: Asked, text: DecodedText, ensemble: Ensemble, rounding: float = 2e-4
) -> None:
    expected, reason = asked.alone(ensemble)
    assert text.error is None
    assert text.finish_reason is reason
    assert [step.token_id for step in asked.steps] == [step.token_id for step in expected]
    for found, wanted in zip(asked.steps, expected, strict=True):
        assert (found.index, found.text, found.start) == (wanted.index, wanted.text, wanted.start)
        assert found.alphas == wanted.alphas
        assert found.sampled_probability == pytest.approx(wanted.sampled_probability, abs=rounding)
        for mine, other in zip(_rows(found), _rows(wanted), strict=True):
            np.testing.assert_allclose(mine, other, atol=rounding)


def _rows(step: TokenStep) -> list[np.ndarray]:
    rows = step.kept_logits
    return [rows.base, *rows.experts, *rows.antiexperts]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "make", "drafts"),
    [
        *((name, TransformersLanguageModel, drafts) for name in MODELS for drafts in (False, True)),
        ("gemma2", unpadded, True),
        ("gpt2", UncachedLanguageModel, False),
    ],
)
def test_every_text_is_that_of_one_client(name: str, make: Make, *, drafts: bool) -> None:
    ensemble = ensemble_of(MODELS[name], make)
    ensemble.prefixes.limit = 2**30
    side = SideBySide(ensemble, Speculator() if drafts else None)
    texts = run(side, ASKED)
    reference = ensemble_of(MODELS[name])
    for asked, text in zip(ASKED, texts, strict=True):
        check_like_alone(asked, text, reference)
    assert not side.texts


@pytest.mark.slow
def test_all_roles_read_the_texts_in_one_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, ...]] = []
    extend = PaddedModel.extend

    def counted(self: PaddedModel, tokens: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(tokens.shape))
        return extend(self, tokens)

    monkeypatch.setattr(PaddedModel, "extend", counted)
    side = SideBySide(ensemble_of(MODELS["llama"]))
    config = GenerationConfig(max_new_tokens=40, temperature=0.0)
    for number in range(8):
        side.add(Asked(f"the king {number}", config).text())
    sizes.clear()
    for _ in range(5):
        side.step()
    assert sizes == [(8, 1)] * 15


@pytest.mark.slow
def test_a_long_prompt_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_context, "PREFILL_CHUNK", 8)
    side = SideBySide(ensemble_of(MODELS["qwen2"]))
    config = GenerationConfig(max_new_tokens=60, temperature=0.0)
    first = Asked("the king", config)
    text = first.text()
    side.add(text)
    side.step()
    long = Asked("and the queen said that " * 10, config)
    side.add(long.text())
    chunks = -(-len(long.prompts()[0]) // 8)
    assert text.sampler.index > 2 * chunks > 5


@pytest.mark.slow
def test_a_text_leaves_at_once_when_it_is_cancelled_and_what_it_read_is_kept() -> None:
    ensemble = ensemble_of(MODELS["llama"])
    ensemble.prefixes.limit = 2**30
    side = SideBySide(ensemble)
    config = GenerationConfig(max_new_tokens=90, temperature=0.0)
    prompts = ("the king said to the daughter", "the sea was wide", "How many? 12 + 30 = 42.")
    asked = [Asked(prompt, config) for prompt in prompts]
    texts = [each.text() for each in asked]
    for text in texts:
        side.add(text)
    for _ in range(70):
        side.step()
    asked[1].cancelled = True
    side.step()
    assert texts[1].finish_reason is FinishReason.CANCELLED
    assert list(side.texts) == [texts[0], texts[2]]
    read = len(texts[1].tokens) - 1
    again = Asked(prompts[1], config, following=(*texts[1].tokens, 5)).text()
    side.add(again)
    assert again.cached_tokens == len(asked[1].prompts()[0]) + read
    while side.texts:
        side.step()
    for place in (0, 2):
        check_like_alone(asked[place], texts[place], ensemble_of(MODELS["llama"]))


@pytest.mark.slow
def test_errors_of_one_text_leave_the_others_alone() -> None:
    """One reads a token whose embedding is not a number, one has a prompt that is too long."""
    models = [tiny.make_model("qwen2", seed) for seed in (1, 2, 3)]
    reference = ensemble_of([tiny.make_model("qwen2", seed) for seed in (1, 2, 3)])
    config = GenerationConfig(max_new_tokens=30, temperature=0.0)
    asked = [Asked("the king said", config), Asked("the sea", config), Asked("garden", config)]
    alone = [each.alone(reference)[0] for each in asked]
    places = (step.token_id for step in alone[1][3:])
    others = {step.token_id for steps in (alone[0], alone[2]) for step in steps}
    others |= {token for each in asked for token in each.prompts()[0]}
    broken = next(token for token in places if token not in others)
    models[2].get_input_embeddings().weight[broken] = float("nan")
    side = SideBySide(ensemble_of(models))
    texts = run(side, [*asked, Asked("the king " * 300, config)])
    assert isinstance(texts[3].error, ContextLengthError)
    assert isinstance(texts[1].error, ModelError)
    assert str(texts[1].error).startswith("The c computed logits that are not numbers")
    first = [step.token_id for step in alone[1]].index(broken)
    assert len(asked[1].steps) == first + 1
    for place in (0, 2):
        check_like_alone(asked[place], texts[place], reference)


@pytest.mark.slow
def test_a_full_context_ends_one_text() -> None:
    models = MODELS["llama"]

    def short(model: PreTrainedModel) -> TransformersLanguageModel:
        return TransformersLanguageModel(model, context_length=24)

    config = GenerationConfig(max_new_tokens=40, temperature=0.0)
    asked = [Asked("the king said", config), Asked("the sea was wide and long", config)]
    texts = run(SideBySide(ensemble_of(models, short)), asked)
    for each, text in zip(asked, texts, strict=True):
        assert text.finish_reason is FinishReason.CONTEXT
        assert len(each.prompts()[0]) + len(each.steps) == 24


@pytest.mark.slow
def test_the_others_work_in_the_caches_of_the_ensemble_while_a_text_is_parked() -> None:
    """A run of the window between two steps."""
    ensemble = ensemble_of(MODELS["gemma2"])
    side = SideBySide(ensemble, Speculator())
    asked = Asked("the king said", GenerationConfig(max_new_tokens=30, temperature=0.0))
    other = Asked("How many?", GenerationConfig(max_new_tokens=5, temperature=0.0))
    text = asked.text()
    side.add(text)
    reference = ensemble_of(MODELS["gemma2"])
    for _ in range(3):
        side.step()
        side.park()
        found, _ = other.alone(ensemble)
        expected, _ = other.alone(reference)
        assert [step.token_id for step in found] == [step.token_id for step in expected]
    while side.texts:
        side.step()
    check_like_alone(asked, text, reference)


@pytest.mark.slow
def test_a_text_that_is_left_is_decoded_alone_with_drafts() -> None:
    ensemble = ensemble_of([MODELS["llama"][0]] * 3)
    speculator = Speculator()
    side = SideBySide(ensemble, speculator)
    long = Asked("the king", GenerationConfig(max_new_tokens=80, temperature=0.0))
    short = Asked("the sea", GenerationConfig(max_new_tokens=4, temperature=0.0))
    texts = run(side, [long, short])
    assert sum(count.drafted for _, count in speculator.stats.sources) > 0
    for asked, text in zip((long, short), texts, strict=True):
        check_like_alone(asked, text, ensemble_of([MODELS["llama"][0]] * 3))


@pytest.mark.slow
def test_a_suspended_text_goes_on_later() -> None:
    side = SideBySide(ensemble_of(MODELS["gpt2"]))
    config = GenerationConfig(max_new_tokens=30, temperature=1.1, seed=4)
    asked = [Asked("the king said", config), Asked("the sea was", config, alpha=-1.0)]
    texts = [each.text() for each in asked]
    for text in texts:
        side.add(text)
    for _ in range(5):
        side.step()
    side.suspend(texts[1])
    assert list(side.texts) == [texts[0]]
    for _ in range(9):
        side.step()
    side.add(texts[1])
    while side.texts:
        side.step()
    for each, text in zip(asked, texts, strict=True):
        check_like_alone(each, text, ensemble_of(MODELS["gpt2"]))
