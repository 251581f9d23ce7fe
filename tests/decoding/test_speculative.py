"""Speculative decoding with exact models: against plain decoding and exact distributions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from app.decoding.combining import Pair
from app.decoding.decode import TextPrefix
from app.decoding.ensemble import Ensemble
from app.decoding.speculation_stats import DraftCounts
from app.decoding.speculative import PROMPT_LOOKUP, Speculator
from app.decoding.types import FinishReason, GenerationConfig, TokenStep
from app.errors import ModelError
from tests.decoding.table_model import VOCABULARY, TableModel, WorkClock, row_of, tables
from tests.decoding.test_sampling import reference
from tests.decoding.texts import GREEDY, SAMPLED, Text

PROCESSORS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.7},
    {"top_k": 5},
    {"top_p": 0.8},
    {"min_p": 0.1},
    {"repetition_penalty": 1.5},
    {"frequency_penalty": 1.5, "presence_penalty": -0.5},
    {"logit_bias": ((3, 2.5), (7, -100.0))},
    {"temperature": 1.3, "top_k": 9, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.2},
]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


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
    frequency_penalty=st.sampled_from([0.0, 0.0, 0.9]),
    presence_penalty=st.sampled_from([0.0, 0.0, -1.2]),
    logit_bias=st.sampled_from([(), (), ((2, 3.0),)]),
    seed=st.integers(0, 1000),
)


@pytest.mark.slow
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
    prefix = TextPrefix(tuple(range(kept)), tuple(range(3, 3 + forced)))

    def live() -> Callable[[], tuple[float, ...]]:
        values = iter(alphas)
        return lambda: (next(values),) * pairs

    plain = desk.plain(config, alphas=live(), eos_ids=eos, prefix=prefix)
    for _ in range(3):
        again = desk.speculative(config, alphas=live(), eos_ids=eos, prefix=prefix)
        assert_same(plain, again)


@pytest.mark.slow
def test_tokens_are_drafted_and_several_are_read_at_once() -> None:
    desk = Tables(apart=0.2)
    config = replace(SAMPLED, max_new_tokens=200)
    assert_same(desk.plain(config), desk.speculative(config))
    base, expert, _ = desk.models
    drafted = desk.speculator.stats
    assert drafted.total.acceptance is not None
    assert drafted.total.acceptance > 0.7
    assert drafted.total.mean_block is not None
    assert drafted.total.mean_block > 2
    made = 1 + drafted.plain + drafted.total.blocks + drafted.total.accepted
    assert made in (200, 201)  # the last token needs no reading
    assert len(base.reads) < 200 + 120
    sources = dict(drafted.sources)
    for name, model in zip(desk.ensemble.names, desk.models, strict=True):
        own = sources.get(name, DraftCounts())  # it reads these one by one, and all others at once
        reads = 1 + drafted.plain + drafted.total.blocks - own.blocks + own.drafted
        assert 0 <= len(model.reads) - 200 - reads <= own.blocks  # its last, where all are accepted
    assert len(expert.reads) > len(base.reads)


@pytest.mark.slow
@pytest.mark.parametrize("options", PROCESSORS)
def test_frequencies_follow_the_exact_distribution(options: dict[str, float]) -> None:
    """The third token over many seeds, two pairs, α ≠ 1: accepted, replaced or a bonus."""
    config = GenerationConfig(
        **{"max_new_tokens": 3, "temperature": 1.0, "top_p": 1.0, **options}  # type: ignore[arg-type]
    )
    alphas = (1.6, -0.4)
    desk = Tables(5, pairs=2, apart=0.5)
    seeds = 1000
    counts = np.zeros(VOCABULARY)
    for seed in range(seeds):
        text = desk.speculative(replace(config, seed=seed), alphas=lambda: alphas)
        counts[text.ids[2]] += 1
    assert desk.speculator.stats.total.blocks  # it was still drafting at the end
    expected = third_token(desk, config, alphas)
    assert counts[expected == 0].sum() == 0
    common = expected * seeds >= 5
    observed = np.append(counts[common], counts[~common].sum())
    wanted = np.append(expected[common], expected[~common].sum()) * seeds
    if wanted[-1] == 0:
        observed, wanted = observed[:-1], wanted[:-1]
    assert stats.chisquare(observed, wanted).pvalue > 1e-3


def third_token(desk: Tables, config: GenerationConfig, alphas: Sequence[float]) -> np.ndarray:
    """Its distribution by summing over all beginnings, with the processors of transformers."""
    tables = [model.table.double() for model in desk.models]

    def following(drawn: list[int]) -> np.ndarray:
        rows = [
            table[row_of([*prompt, *drawn])]
            for table, prompt in zip(tables, desk.prompts, strict=True)
        ]
        shifts = (
            alpha * (rows[pair.expert] - rows[pair.antiexpert])
            for alpha, pair in zip(alphas, desk.ensemble.pairs, strict=True)
        )
        combined = rows[0] + sum(shifts)
        history = torch.tensor([*desk.prompts[0], *drawn])
        prompt_length = len(desk.prompts[0])
        return torch.softmax(reference(combined, history, config, prompt_length), 0).numpy()

    total = np.zeros(VOCABULARY)
    first = following([])
    for one in range(VOCABULARY):
        second = following([one])
        for other in range(VOCABULARY):
            if (reached := first[one] * second[other]) > 0:
                total += reached * following([one, other])
    return total


def in_a_draft(desk: Tables, config: GenerationConfig) -> tuple[list[TokenStep], list[int]]:
    """A long text after a warm-up, and the places in it whose token was drafted and accepted."""
    accepted: list[int] = []
    before = 0

    def note(step: TokenStep) -> None:
        nonlocal before
        now = desk.speculator.stats.total.accepted
        if now > before:
            accepted.append(step.index)
        before = now

    desk.speculative(config)
    return desk.speculative(config, on_step=note).steps, accepted


@pytest.mark.slow
def test_a_change_of_alpha_acts_on_the_next_token_inside_a_draft() -> None:
    desk = Tables(apart=0.3)
    config = replace(SAMPLED, max_new_tokens=60)
    _, accepted = in_a_draft(desk, config)
    middle = next(place for place in accepted if place > 20 and place + 1 in accepted)
    alphas = [(1.0,)]

    def turn(step: TokenStep) -> None:
        if step.index == middle:
            alphas[0] = (4.0,)

    texts = []
    for speculator in (None, desk.speculator):
        alphas[0] = (1.0,)
        texts.append(
            desk.plain(config, speculator=speculator, alphas=lambda: alphas[0], on_step=turn)
        )
    assert_same(*texts)
    assert [step.alphas for step in texts[1].steps] == [(1.0,)] * (middle + 1) + [(4.0,)] * (
        59 - middle
    )


@pytest.mark.slow
def test_cancel_inside_a_draft_ends_before_the_next_token() -> None:
    desk = Tables(apart=0.3)
    config = replace(SAMPLED, max_new_tokens=60)
    steps, accepted = in_a_draft(desk, config)
    middle = next(place for place in accepted if place > 20 and place + 1 in accepted)
    pressed = False

    def press(step: TokenStep) -> None:
        nonlocal pressed
        pressed = step.index == middle

    text = desk.speculative(config, cancelled=lambda: pressed, on_step=press)
    assert text.reason is FinishReason.CANCELLED
    assert text.ids == [step.token_id for step in steps[: middle + 1]]
    assert_same(desk.plain(config), desk.speculative(config))


@pytest.mark.slow
def test_cancel_while_drafting_ends_at_once_and_the_text_can_go_on() -> None:
    """Every question is answered with yes once: before tokens and before drafted ones."""
    desk = Tables(apart=0.3)
    config = replace(SAMPLED, max_new_tokens=30)
    whole = desk.plain(config)
    lengths = set()
    for asked in range(3, 60):
        desk.speculative(config)
        answers = iter([False] * asked)
        text = desk.speculative(config, cancelled=lambda answers=answers: next(answers, True))
        lengths.add(len(text.ids))
        assert text.ids == whole.ids[: len(text.ids)]
        going_on = desk.speculative(config, prefix=TextPrefix(tuple(text.ids)))
        assert text.ids + going_on.ids == whole.ids
    assert len(lengths) > 10


def test_an_end_of_sequence_in_a_draft_ends_text_and_draft() -> None:
    desk = Tables(apart=0.2)
    config = replace(SAMPLED, max_new_tokens=80)
    steps, accepted = in_a_draft(desk, config)
    ids = [step.token_id for step in steps]
    place = next(i for i in accepted if (i > 10 and ids[i] not in ids[:i]) or i > 60)
    plain, speculative = (
        desk.plain(config, eos_ids=[ids[place]], speculator=speculator)
        for speculator in (None, desk.speculator)
    )
    assert speculative.reason is FinishReason.EOS
    assert_same(plain, speculative)
    assert all(len(model.tokens) <= 3 + place + 1 for model in desk.models)


@pytest.mark.slow
def test_stop_strings_and_limits() -> None:
    desk = Tables(apart=0.2)
    whole = desk.plain(replace(SAMPLED, max_new_tokens=50))
    for length in range(1, 30):
        config = replace(SAMPLED, max_new_tokens=length)
        assert_same(desk.plain(config), desk.speculative(config))
        stop = whole.text[length : length + 2]
        config = replace(SAMPLED, max_new_tokens=50, stop=(stop,))
        speculative = desk.speculative(config)
        assert_same(desk.plain(config), speculative)
        assert speculative.reason is FinishReason.STOP


def test_a_model_that_cannot_rewind_decodes_plainly_and_is_named() -> None:
    desk = Tables(apart=0.0)
    desk.models[2].can_rewind = False
    text = desk.speculative(SAMPLED)
    assert_same(desk.plain(SAMPLED), text)
    drafted = desk.speculator.stats
    assert (drafted.unrewindable, drafted.sources) == ("model 2", ())
    assert drafted.plain == 23


@pytest.mark.slow
def test_roles_that_share_an_evaluation() -> None:
    """The base as the expert of a pair, one anti-expert for two; each is read once a token."""
    base, expert, anti = (TableModel(table) for table in tables(3, 7, 0.3))
    pairs = [Pair("a", 1, 2), Pair("b", 0, 2)]
    ensemble = Ensemble([base, expert, anti], ["base", "expert", "anti"], pairs)
    for costs, drafter in (([9.0, 1.0, 9.0], "expert"), ([1.0, 9.0, 9.0], "base")):
        speculator = Speculator(clock=WorkClock([base, expert, anti], costs))
        config = replace(SAMPLED, max_new_tokens=150)
        options = {"alphas": lambda: (0.6, 0.4)}
        plain = Text(ensemble, [[1, 2]] * 3, config, **options)  # type: ignore[arg-type]
        text = Text(ensemble, [[1, 2]] * 3, config, speculator=speculator, **options)  # type: ignore[arg-type]
        assert_same(plain, text)
        by_source = dict(speculator.stats.sources)
        best = max(by_source, key=lambda name: by_source[name].accepted)
        assert best == drafter


def test_masked_ids_are_neither_drafted_nor_sampled() -> None:
    usable = torch.ones(VOCABULARY, dtype=torch.bool)
    usable[[2, 5]] = False
    models = [TableModel(table) for table in tables(3, 1, 0.3)]
    ensemble = Ensemble(models, "abc", [Pair("p", 1, 2)], usable)
    speculator = Speculator(clock=WorkClock(models, [9.0, 1.0, 1.0]))
    config = replace(SAMPLED, max_new_tokens=100, top_p=1.0, temperature=1.5)
    plain = Text(ensemble, [[1]] * 3, config)
    text = Text(ensemble, [[1]] * 3, config, speculator=speculator)
    assert_same(plain, text)
    assert not {2, 5} & set(text.ids)
    assert speculator.stats.total.accepted > 20


def test_a_draft_reads_the_history_that_the_sample_will_have() -> None:
    """Where the expert is the tuned model, every draft is accepted, at any penalty."""
    base, anti = (TableModel(table) for table in tables(2, 3, 0.5))
    ensemble = Ensemble([base, anti], ["base", "anti"], [Pair("p", 1, 1)])
    speculator = Speculator(clock=WorkClock([base, anti], [1.0, 9.0]))
    config = replace(SAMPLED, max_new_tokens=120, repetition_penalty=1.6)
    assert_same(
        Text(ensemble, [[1, 2]] * 2, config),
        Text(ensemble, [[1, 2]] * 2, config, speculator=speculator),
    )
    drafted = dict(speculator.stats.sources)["base"]
    assert drafted.acceptance == 1.0
    assert drafted.accepted > 60


def test_text_that_repeats_is_looked_up() -> None:
    """Greedy text of a table comes round; one model alone has nothing else to draft with."""
    model = TableModel(tables(1, 0)[0])
    ensemble = Ensemble([model], ["base"], [])
    speculator = Speculator(clock=WorkClock([model], [1.0]))
    config = replace(GREEDY, max_new_tokens=200)
    plain = Text(ensemble, [[1, 2]], config)
    model.reads.clear()
    assert_same(plain, Text(ensemble, [[1, 2]], config, speculator=speculator))
    assert [name for name, _ in speculator.stats.sources] == [PROMPT_LOOKUP]
    assert len(model.reads) < 80


@pytest.mark.slow
def test_where_drafts_do_not_pay_nearly_every_token_is_read_plainly() -> None:
    """Blocks cost what their tokens cost one by one, as where computing is all that takes time."""
    desk = Tables(apart=1.0)
    desk.speculator = Speculator(clock=WorkClock(desk.models, [0.0] * 3, tokens=1.0))
    config = replace(SAMPLED, max_new_tokens=400)
    desk.speculative(config)
    assert_same(desk.plain(config), desk.speculative(config))
    assert desk.speculator.stats.plain > 360


@pytest.mark.slow
@pytest.mark.parametrize("apart", [0.2, 0.5])
@pytest.mark.parametrize("echo", [4.0, 8.0, 30.0])
def test_a_server_that_is_slow_at_blocks_is_soon_asked_for_single_tokens(
    apart: float, echo: float
) -> None:
    """The base is elsewhere: a token takes it a second, and a block by echo ``echo`` seconds."""
    desk = Tables(apart=apart)
    base, *pair = desk.models

    def clock() -> float:
        remote = sum(1.0 if size == 1 else echo for size in base.reads)
        return remote + 0.01 * sum(len(model.reads) for model in pair)

    desk.speculator = Speculator(clock=clock)
    config = replace(SAMPLED, max_new_tokens=64)
    assert_same(desk.plain(config), desk.speculative(config))
    desk.speculative(config)
    spent = []
    for _ in range(4):
        before = clock()
        desk.speculative(config)
        spent.append(clock() - before - echo)  # the prompt is a block
    assert sum(spent) < 4 * 64 * 1.3


@pytest.mark.slow
def test_a_text_that_is_closed_early_leaves_caches_that_can_be_used() -> None:
    desk = Tables(apart=0.2)
    config = replace(SAMPLED, max_new_tokens=60)
    whole = desk.plain(config)

    def fail(step: TokenStep) -> None:
        if step.index == 33:
            raise ModelError("out of memory")

    for _ in range(3):
        with pytest.raises(ModelError):
            desk.speculative(config, on_step=fail)
        fork = desk.speculative(config, prefix=TextPrefix(tuple(whole.ids[:30])))
        assert fork.ids == whole.ids[30:]
