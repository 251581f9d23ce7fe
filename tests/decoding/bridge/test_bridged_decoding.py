"""Texts and rows of recipes whose pair reads the base's tokens through a bridge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from app.checkpoints.vocabulary.token_bytes import text_bytes
from app.decoding.bridge.bridged_model import BridgedLanguageModel
from app.decoding.bridge.opinion import LIKELY, Opinion
from app.decoding.bridge.vocabulary_bridge import VocabularyBridge
from app.decoding.combining import Pair
from app.decoding.decode import NO_PREFIX, TextPrefix, decode
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.speculative import Speculator
from app.decoding.types import GenerationConfig, TokenStep
from tests import tiny
from tests.decoding.bridge.two_vocabularies import END, tokenizer
from tests.decoding.texts import BaseClock

BASE, OTHER = tokenizer(330, 1), tokenizer(300, 2)
SIZE = BASE.get_vocab_size()
PROMPT = "the index on the"
CONFIG = GenerationConfig(max_new_tokens=24, temperature=0.9, top_p=1.0, seed=11)
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def model(seed: int, rows: int) -> PreTrainedModel:
    return tiny.make_model("llama", seed, rows).float()


def bridged(inner: PreTrainedModel, *, same: bool, strict: bool = False) -> BridgedLanguageModel:
    """The model of a pair that has the vocabulary of the base, or another one."""
    own = BASE if same else OTHER
    size = BASE.get_vocab_size(), own.get_vocab_size()
    ends = [BASE.token_to_id(END)], [own.token_to_id(END)]
    bridge = VocabularyBridge(
        text_bytes(BASE, size[0]), text_bytes(own, size[1]), *ends, strict=strict
    )
    return BridgedLanguageModel(
        TransformersLanguageModel(inner),
        bridge,
        lambda text: own.encode(text, add_special_tokens=False).ids,
    )


def ensemble_of(models: Sequence[LanguageModel]) -> Ensemble:
    """A base with one pair, or with two."""
    names = ("base", "expert", "anti-expert", "second expert", "second anti-expert")
    pairs = (Pair("a", 1, 2), Pair("b", 3, 4))
    return Ensemble(models, names[: len(models)], pairs[: len(models) // 2])


def run(
    models: Sequence[LanguageModel],
    alpha: float,
    config: GenerationConfig = CONFIG,
    speculator: Speculator | None = None,
    prefix: TextPrefix = NO_PREFIX,
    own: Tokenizer = OTHER,
) -> list[TokenStep]:
    ensemble = ensemble_of(models)
    prompts = [
        each.own(OTHER.encode(PROMPT).ids if own is OTHER else BASE.encode(PROMPT).ids)
        if isinstance(each, BridgedLanguageModel)
        else BASE.encode(PROMPT).ids
        for each in models
    ]
    return list(
        decode(
            ensemble,
            prompts,
            config,
            detokenizer=Detokenizer(BASE, prompts[0]),
            eos_ids=[BASE.token_to_id(END)],
            alphas=lambda: (alpha,) * len(ensemble.pairs),
            speculator=speculator,
            prefix=prefix,
        )
    )


def ids(steps: Sequence[TokenStep]) -> list[int]:
    return [step.token_id for step in steps]


BASE_MODEL = model(1, SIZE)
PAIR = model(2, SIZE), model(3, SIZE)
OTHER_PAIR = tuple(model(seed, OTHER.get_vocab_size()) for seed in (2, 3))


def plain(*inner: PreTrainedModel) -> list[LanguageModel]:
    return [TransformersLanguageModel(each) for each in inner]


def other_pair() -> list[LanguageModel]:
    return [bridged(each, same=False) for each in OTHER_PAIR]


def test_a_pair_of_the_same_vocabulary_gives_the_same_texts_and_rows() -> None:
    """The text is that of the base's tokenizer, as the bridge splits a text."""
    forced = tuple(BASE.encode(" then there index 12 각하").ids)
    config = replace(CONFIG, max_new_tokens=len(forced))
    prefix = TextPrefix(forced=forced)
    expected = run(plain(BASE_MODEL, *PAIR), 1.3, config, prefix=prefix)
    through = [*plain(BASE_MODEL), *(bridged(each, same=True) for each in PAIR)]
    found = run(through, 1.3, config, prefix=prefix, own=BASE)
    assert ids(found) == ids(expected) == list(forced)
    for step, other in zip(found, expected, strict=True):
        here, there = step.kept_logits, other.kept_logits
        difference = here.experts[0] - here.antiexperts[0]
        wanted = there.experts[0] - there.antiexperts[0]
        apart = difference - wanted
        known = np.isfinite(apart) & (BASE_BYTES > 0)
        assert np.ptp(apart[known]) < 1e-3
        assert step.coverage is not None
        assert step.coverage.exact == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("strict", [False, True])
def test_each_step_knows_what_is_exact_bounded_and_without_an_opinion(strict: bool) -> None:
    pair = [bridged(each, same=False, strict=strict) for each in OTHER_PAIR]
    opinions = pair[0].bridge.opinions
    refined = 0
    for step in run([*plain(BASE_MODEL), *pair], 1.0):
        base = np.exp(step.kept_logits.base - logsumexp(step.kept_logits.base))
        exact, bounded, unknown = (
            base[opinions == each].sum() for each in (Opinion.EXACT, Opinion.BOUNDED, Opinion.NONE)
        )
        likely = base[(opinions == Opinion.BOUNDED) & (base >= LIKELY)].sum()
        found = step.coverage
        assert found is not None
        assert found.unknown == pytest.approx(unknown, abs=1e-4)
        assert exact - 1e-4 <= found.exact <= exact + likely + 1e-4
        assert bounded - likely - 1e-4 <= found.bounded <= bounded + 1e-4
        refined += found.exact > exact + 1e-3
    assert (unknown > 0.01) == strict
    assert (refined > 0) == (not strict)


BASE_BYTES = np.array([len(each or b"") for each in text_bytes(BASE, SIZE)])


def test_alpha_zero_is_the_base() -> None:
    alone = run(plain(BASE_MODEL, *PAIR), 0.0)
    assert ids(run([*plain(BASE_MODEL), *other_pair()], 0.0)) == ids(alone)


def test_an_expert_that_is_its_anti_expert_changes_nothing() -> None:
    alone = run(plain(BASE_MODEL, *PAIR), 0.0)
    pair = [bridged(OTHER_PAIR[0], same=False) for _ in range(2)]
    assert ids(run([*plain(BASE_MODEL), *pair], 2.0)) == ids(alone)


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_drafts_do_not_change_the_text(temperature: float) -> None:
    config = replace(CONFIG, temperature=temperature, max_new_tokens=60)
    expected = run([*plain(BASE_MODEL), *other_pair()], 1.5, config)
    speculator = Speculator()
    found = run([*plain(BASE_MODEL), *other_pair()], 1.5, config, speculator)
    assert ids(found) == ids(expected)
    for step, other in zip(found, expected, strict=True):
        assert step.coverage is not None
        assert other.coverage is not None
        assert step.coverage.exact == pytest.approx(other.coverage.exact, abs=1e-4)
        assert step.coverage.bounded == pytest.approx(other.coverage.bounded, abs=1e-4)
        for here, there in zip(step.kept_logits.experts, other.kept_logits.experts, strict=True):
            np.testing.assert_allclose(here, there, atol=2e-3)


@pytest.mark.parametrize(("shared", "drafter"), [(False, "expert"), (True, "second expert")])
@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_a_drafter_reads_through_the_bridge_or_shares_the_vocabulary_of_the_base(
    temperature: float, *, shared: bool, drafter: str
) -> None:
    config = replace(CONFIG, temperature=temperature, max_new_tokens=60)

    def models() -> list[LanguageModel]:
        return [*plain(BASE_MODEL), *other_pair(), *(plain(*PAIR) if shared else [])]

    expected = run(models(), 4.0, config)
    drafted = models()
    speculator = Speculator(clock=BaseClock(ensemble_of(drafted)))
    assert ids(run(drafted, 4.0, config, speculator)) == ids(expected)
    assert dict(speculator.stats.sources)[drafter].tested >= 10
