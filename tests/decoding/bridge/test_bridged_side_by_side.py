"""Texts side by side with a pair of another vocabulary, against each text decoded alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
import torch

from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.bridged_state import BridgedState
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge
from app.decoding.combining import Pair
from app.decoding.decode import decode
from app.decoding.decoded_text import DecodedText
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.side_by_side import SideBySide
from app.decoding.speculative import Speculator
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from app.errors import ContextLengthError
from tests import tiny
from tests.decoding.bridge.two_vocabularies import END, CountedModel, sentences, tokenizer

BASE, OTHER = tokenizer(330, 1), tokenizer(300, 2)
BRIDGE = VocabularyBridge(
    text_bytes(BASE, BASE.get_vocab_size()),
    text_bytes(OTHER, OTHER.get_vocab_size()),
    [BASE.token_to_id(END)],
    [OTHER.token_to_id(END)],
)
BASE_MODEL = tiny.make_model("llama", 1, BASE.get_vocab_size()).float()
BASE_MODEL.lm_head.weight.data.mul_(6.0)  # sure of tokens that the pair reads piece by piece
PAIR = [tiny.make_model("llama", seed, OTHER.get_vocab_size()).float() for seed in (2, 3)]
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def bridged(inner: LanguageModel) -> BridgedLanguageModel:
    return BridgedLanguageModel(
        inner,  # type: ignore[arg-type]  # one that counts is never made again
        BRIDGE,
        lambda text: OTHER.encode(text, add_special_tokens=False).ids,
    )


def ensemble_of(context_length: int | None = None) -> Ensemble:
    """A base, and a pair of another vocabulary whose context may be limited."""
    pair = [bridged(TransformersLanguageModel(each, context_length)) for each in PAIR]
    models = [TransformersLanguageModel(BASE_MODEL), *pair]
    return Ensemble(models, ("base", "expert", "anti-expert"), (Pair("a", 1, 2),))


@dataclass
class Asked:
    """What one client asks for, and what it got."""

    prompt: str
    tokens: int
    after: int = 0  # steps of the others
    temperature: float = 0.0
    alpha: float = 1.5
    following: tuple[int, ...] = ()
    cancelled: bool = False
    steps: list[TokenStep] = field(default_factory=list)

    @property
    def config(self) -> GenerationConfig:
        return GenerationConfig(max_new_tokens=self.tokens, temperature=self.temperature, seed=3)

    def prompts(self) -> list[list[int]]:
        ids = BASE.encode(self.prompt).ids
        own = [len(BRIDGE.base) + each for each in OTHER.encode(self.prompt).ids]
        return [[*each, *self.following] for each in (ids, own, own)]

    def text(self) -> DecodedText:
        return DecodedText(
            self.prompts(),
            self.config,
            detokenizer=Detokenizer(BASE, self.prompts()[0]),
            eos_ids=(),
            alphas=lambda: (self.alpha,),
            cancelled=lambda: self.cancelled,
            on_step=self.steps.append,
        )

    def alone(self) -> list[TokenStep]:
        """Its steps without any reuse."""
        return list(
            decode(
                ensemble_of(),
                self.prompts(),
                self.config,
                detokenizer=Detokenizer(BASE, self.prompts()[0]),
                eos_ids=(),
                alphas=lambda: (self.alpha,),
            )
        )

    def check_like_alone(self) -> None:
        expected = self.alone()
        assert [step.token_id for step in self.steps] == [step.token_id for step in expected]
        for found, wanted in zip(self.steps, expected, strict=True):
            assert (found.text, found.start) == (wanted.text, wanted.start)
            assert found.sampled_probability == pytest.approx(wanted.sampled_probability, abs=1e-3)
            assert found.coverage is not None
            assert wanted.coverage is not None
            assert found.coverage.exact == pytest.approx(wanted.coverage.exact, abs=1e-4)
            assert found.coverage.bounded == pytest.approx(wanted.coverage.bounded, abs=1e-4)


def some_texts() -> list[Asked]:
    return [
        Asked("the index on the", 20),
        Asked("in", 9, after=3, alpha=-1.0),
        Asked("각하 the inner 12 in then", 9, after=4, temperature=0.9),
        Asked("theme = x += 70", 12, after=6, alpha=0.7),
        Asked("one only", 8, after=12),
        Asked("once there", 5, after=40),
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


@pytest.mark.parametrize(("drafts", "prefixes"), [(False, 0), (True, 2**30)])
def test_every_text_is_that_of_one_client(*, drafts: bool, prefixes: int) -> None:
    ensemble = ensemble_of()
    ensemble.prefixes.limit = prefixes
    asked = some_texts()
    texts = run(SideBySide(ensemble, Speculator() if drafts else None), asked)
    refined = 0
    for each, text in zip(asked, texts, strict=True):
        assert text.finish_reason is FinishReason.LENGTH
        each.check_like_alone()
        refined += sum(is_refined(step) for step in each.steps)
    assert refined


def is_refined(step: TokenStep) -> bool:
    """Whether the pair has an exact opinion of more than it has from first pieces alone."""
    base = torch.tensor(step.kept_logits.base).softmax(0)
    return step.coverage is not None and step.coverage.exact > float(base @ BRIDGE.exact) + 1e-3


def test_a_cancelled_text_leaves_and_what_the_pair_read_of_it_is_kept() -> None:
    ensemble = ensemble_of()
    ensemble.prefixes.limit = 2**30
    side = SideBySide(ensemble)
    prompts = ("the index on the", "각하 in" * 40, "theme = x")
    asked = [Asked(prompt, 12) for prompt in prompts]
    texts = [each.text() for each in asked]
    for text in texts:
        side.add(text)
    for _ in range(6):
        side.step()
    asked[1].cancelled = True
    side.step()
    assert texts[1].finish_reason is FinishReason.CANCELLED
    assert list(side.texts) == [texts[0], texts[2]]
    tokens = texts[1].tokens
    again = Asked(prompts[1], 4, following=(*tokens, 5))
    side.add(again.text())
    wanted = [len(each) + len(tokens) - 1 for each in asked[1].prompts()]
    assert list(ensemble.reused) == wanted
    while side.texts:
        side.step()
    for each in (asked[0], again):
        each.check_like_alone()


def test_a_text_that_fills_the_context_of_the_pair_ends_alone() -> None:
    """Its tokens are several of the pair each, so that the pair's context is full first."""
    word = "indexed"
    (token,) = BASE.encode(word).ids
    pieces = len(OTHER.encode(20 * word).ids)
    long = Asked("the index on the", 24)
    full = Asked("in", 24, following=(token,) * 20)
    context = len(OTHER.encode("in").ids) + pieces + 3
    assert len(full.prompts()[1]) + full.tokens < context
    texts = run(SideBySide(ensemble_of(context)), [long, full])
    assert texts[0].finish_reason is FinishReason.LENGTH
    assert isinstance(texts[1].error, ContextLengthError)
    assert 0 < len(full.steps) < full.tokens
    long.check_like_alone()


def test_a_state_goes_on_where_it_was_taken_whole_or_shortened() -> None:
    model = bridged(TransformersLanguageModel(PAIR[0]))
    prompt = model.own(OTHER.encode("the index on the").ids)
    text = BASE.encode(" inner 각하 theme in the index").ids
    model.extend(torch.tensor([*prompt, *text]))
    following = torch.tensor(BASE.encode("ed 12").ids)
    for kept in (len(text), len(text) - 2, 3, 0, -2):
        read = [*prompt, *text][: len(prompt) + kept]
        state = model.take_state()
        assert isinstance(state, BridgedState)
        assert model.length == model.inner.length == 0
        copied = state.copy(len(read))
        assert copied.size <= state.size
        assert state.reusable(len(read)) == len(read)
        model.put_state(state)
        other = model.another()
        other.put_state(copied)
        assert other.length == len(read)
        fresh = model.another()
        fresh.extend(torch.tensor(read))
        expected = fresh.extend(following, len(following))
        torch.testing.assert_close(
            other.extend(following, len(following)), expected, atol=1e-3, rtol=0
        )
    assert model.length == len(prompt) + len(text)


def test_a_model_whose_cache_cannot_be_taken_keeps_what_it_read() -> None:
    model = bridged(CountedModel(OTHER, sentences(2, 50)))
    model.extend(torch.tensor(model.own(OTHER.encode("the inn").ids)))
    length = model.length
    assert model.take_state() is None
    assert model.length == length
