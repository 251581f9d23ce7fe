"""Speculative decoding against plain decoding, and against exact distributions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from transformers import PreTrainedModel

from app.decoding.decode import FROM_THE_PROMPT, Beginning, decode
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble, Pair
from app.decoding.language_model import LanguageModel, TransformersLanguageModel
from app.decoding.sampling import exponential_noise, process_logits
from app.decoding.speculative import Speculator
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from tests import tiny
from tests.decoding.table_model import VOCABULARY, TableModel, WorkClock, row_of, tables
from tests.decoding.test_sampling import reference

TOKENIZER = tiny.make_tokenizer()
GREEDY = GenerationConfig(max_new_tokens=24, temperature=0.0)
SAMPLED = GenerationConfig(max_new_tokens=24, temperature=0.9, top_p=0.95, seed=4)
PROCESSORS: list[dict[str, float]] = [
    {},
    {"temperature": 0.7},
    {"top_k": 5},
    {"top_p": 0.8},
    {"min_p": 0.1},
    {"repetition_penalty": 1.5},
    {"temperature": 1.3, "top_k": 9, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.2},
]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


class Text:
    """One run of :func:`decode`, with its steps and its end."""

    def __init__(
        self,
        ensemble: Ensemble,
        prompts: Sequence[Sequence[int]],
        config: GenerationConfig,
        *,
        speculator: Speculator | None = None,
        alphas: Callable[[], tuple[float, ...]] | None = None,
        eos_ids: Sequence[int] = (),
        cancelled: Callable[[], bool] = lambda: False,
        beginning: Beginning = FROM_THE_PROMPT,
        on_step: Callable[[TokenStep], None] = lambda step: None,
    ) -> None:
        self.steps: list[TokenStep] = []
        generator = decode(
            ensemble,
            prompts,
            config,
            detokenizer=Detokenizer(TOKENIZER, prompts[0]),
            eos_ids=eos_ids,
            alphas=alphas or (lambda: (1.0,) * len(ensemble.pairs)),
            cancelled=cancelled,
            beginning=beginning,
            speculator=speculator,
        )
        while True:
            try:
                step = next(generator)
            except StopIteration as end:
                self.reason: FinishReason = end.value
                break
            self.steps.append(step)
            on_step(step)

    @property
    def ids(self) -> list[int]:
        return [step.token_id for step in self.steps]

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps)


class Tables:
    """An ensemble of table models: base, then expert and anti-expert of every pair."""

    def __init__(
        self,
        seed: int = 0,
        *,
        pairs: int = 1,
        apart: float = 0.7,
        seconds: Sequence[float] = (),
        longest: int = 16,
        contexts: Sequence[int | None] = (),
    ) -> None:
        evaluations = 1 + 2 * pairs
        limits = contexts or [None] * evaluations
        self.models = [
            TableModel(table, limit)
            for table, limit in zip(tables(evaluations, seed, apart), limits, strict=True)
        ]
        names = [f"model {place}" for place in range(evaluations)]
        places = [Pair(str(i), 1 + 2 * i, 2 + 2 * i) for i in range(pairs)]
        self.ensemble = Ensemble(self.models, names, places)
        self.prompts = [[1, 2, 3], *([5, 1, 2], [2, 3]) * pairs][:evaluations]
        costs = seconds or [10.0, *[1.0] * (evaluations - 1)]
        self.speculator = Speculator(longest, WorkClock(self.models, costs))

    def plain(self, config: GenerationConfig, **options: object) -> Text:
        return Text(self.ensemble, self.prompts, config, **options)  # type: ignore[arg-type]

    def speculative(self, config: GenerationConfig, **options: object) -> Text:
        return self.plain(config, speculator=self.speculator, **options)


def assert_same(plain: Text, speculative: Text) -> None:
    """Equal bit by bit: table models do not round."""
    assert speculative.ids == plain.ids
    assert speculative.reason is plain.reason
    assert speculative.text == plain.text
    for expected, step in zip(plain.steps, speculative.steps, strict=True):
        assert (step.index, step.start, step.alphas) == (
            expected.index,
            expected.start,
            expected.alphas,
        )
        assert step.sampled_probability == expected.sampled_probability
        assert np.array_equal(step.logits.base, expected.logits.base)
        for mine, its in zip(
            (*step.logits.experts, *step.logits.antiexperts),
            (*expected.logits.experts, *expected.logits.antiexperts),
            strict=True,
        ):
            assert np.array_equal(mine, its)


configs = st.builds(
    GenerationConfig,
    max_new_tokens=st.integers(1, 40),
    temperature=st.sampled_from([0.0, 0.7, 1.0, 1.6]),
    top_k=st.sampled_from([0, 1, 4]),
    top_p=st.sampled_from([0.6, 1.0]),
    min_p=st.sampled_from([0.0, 0.1]),
    repetition_penalty=st.sampled_from([0.7, 1.0, 1.4]),
    seed=st.integers(0, 1000),
)


@given(
    config=configs,
    seed=st.integers(0, 1000),
    pairs=st.integers(0, 3),
    apart=st.sampled_from([0.0, 0.3, 1.0, 3.0]),
    costs=st.lists(st.sampled_from([0.1, 1.0, 10.0]), min_size=7, max_size=7),
    longest=st.sampled_from([1, 2, 5, 16]),
    alphas=st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]), min_size=40, max_size=40),
    eos=st.sampled_from([(), (3,), (1, 9)]),
    context=st.sampled_from([None, 12, 30]),
    chunks=st.tuples(st.integers(0, 6), st.integers(0, 6)),
)
@settings(max_examples=150)
def test_the_text_is_that_of_plain_decoding_whatever_drafts_cost(
    config: GenerationConfig,
    seed: int,
    pairs: int,
    apart: float,
    costs: list[float],
    longest: int,
    alphas: list[float],
    eos: tuple[int, ...],
    context: int | None,
    chunks: tuple[int, int],
) -> None:
    """Live α, every processor, ends, limits and beginnings; two texts, so that costs are known."""
    evaluations = 1 + 2 * pairs
    desk = Tables(
        seed,
        pairs=pairs,
        apart=apart,
        seconds=costs[:evaluations],
        longest=longest,
        contexts=[context] * evaluations,
    )
    kept, forced = chunks
    kept, forced = (min(part, config.max_new_tokens // 3) for part in (kept, forced))
    if context:
        kept, forced = min(kept, context // 4), min(forced, context // 4)
    beginning = Beginning(tuple(range(kept)), tuple(range(3, 3 + forced)))

    def live() -> Callable[[], tuple[float, ...]]:
        values = iter(alphas)
        return lambda: (next(values),) * pairs

    plain = desk.plain(config, alphas=live(), eos_ids=eos, beginning=beginning)
    for _ in range(3):
        again = desk.speculative(config, alphas=live(), eos_ids=eos, beginning=beginning)
        assert_same(plain, again)


def test_tokens_are_drafted_and_several_are_read_at_once() -> None:
    desk = Tables(apart=0.2)
    config = replace(SAMPLED, max_new_tokens=200)
    assert_same(desk.plain(config), desk.speculative(config))
    base, expert, antiexpert = desk.models
    drafted = desk.speculator.stats
    assert drafted.total.acceptance is not None
    assert drafted.total.acceptance > 0.7
    assert drafted.total.mean_block is not None
    assert drafted.total.mean_block > 2
    made = 1 + drafted.plain + drafted.total.blocks + drafted.total.accepted
    assert made in (200, 201)  # the last token needs no reading
    assert len(base.reads) < 200 + 120
    assert len(antiexpert.reads) == len(base.reads)
    assert len(expert.reads) > len(base.reads)
