"""Policies of alpha while decoding: what they sample, and what the pairs need not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from app.decoding.alpha_policy import parse_policy
from app.decoding.alpha_schedule import AlphaSchedule
from app.decoding.combining import Pair
from app.decoding.decode import TextPrefix, decode
from app.decoding.detokenizer import Detokenizer
from app.decoding.ensemble import Ensemble
from app.decoding.language_model import TransformersLanguageModel
from app.decoding.pair_skipping import PairSkipping
from app.decoding.sampling import process_logits
from app.decoding.speculative import Speculator
from app.decoding.thinking import Thinking, ThinkingForm
from app.decoding.tuned_logits import tuned_logits
from app.decoding.types import FinishReason, GenerationConfig, RoleLogits, TokenStep
from tests import tiny
from tests.decoding.table_model import TableModel, WorkClock, row_of, tables

TOKENIZER = tiny.make_tokenizer()
PROMPT = [3, 5]
CONFIG = GenerationConfig(max_new_tokens=60, temperature=0.9, top_p=0.95, seed=11)
PAIRS = [Pair("p", 1, 2), Pair("q", 3, 0)]
POLICIES = ["ramp:1:0:10", "ramp:0:0:1", "entropy:2.5", "entropy:2:3", "confidence:0.4"]
COSTS = [9.0, 1.0, 1.0, 1.0]
NEVER_SKIPPED = ["kl:0.1", "agreement:0.6", "ramp:0:1:20"]


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@dataclass
class Run:
    steps: list[TokenStep]
    reason: FinishReason
    models: list[TableModel]
    skipping: PairSkipping | None

    @property
    def ids(self) -> list[int]:
        return [step.token_id for step in self.steps]


def run(
    policy: str,
    *,
    skips: bool = False,
    speculates: bool = False,
    thinking: Thinking = Thinking(prompt_known=True),  # noqa: B008 — frozen
    prefix: TextPrefix = TextPrefix(),  # noqa: B008 — frozen
    config: GenerationConfig = CONFIG,
) -> Run:
    models = [TableModel(table) for table in tables(4, seed=5)]
    ensemble = Ensemble(models, "abcd", PAIRS)
    skipping = PairSkipping(ensemble) if skips else None
    generator = decode(
        ensemble,
        [PROMPT] * 4,
        config,
        detokenizer=Detokenizer(TOKENIZER, PROMPT),
        eos_ids=(),
        alphas=lambda: (1.2, -0.4),
        prefix=prefix,
        speculator=Speculator(clock=WorkClock(models, COSTS)) if speculates else None,
        schedule=AlphaSchedule(parse_policy(policy), thinking, Detokenizer(TOKENIZER, PROMPT)),
        skipping=skipping,
    )
    steps = []
    while True:
        try:
            steps.append(next(generator))
        except StopIteration as end:
            return Run(steps, end.value, models, skipping)


def expected(policy: str, thinking: Thinking = Thinking(prompt_known=True)) -> list[int]:  # noqa: B008
    """The ids of a run, from the tables alone: the policy, tuning and sampling of each position."""
    found = [table.numpy() for table in tables(4, seed=5)]
    schedule = AlphaSchedule(parse_policy(policy), thinking, Detokenizer(TOKENIZER, PROMPT))
    ids = list(PROMPT)
    for index in range(CONFIG.max_new_tokens):
        base, *others = (table[row_of(ids)] for table in found)
        rows = RoleLogits(base, (others[0], others[2]), (others[1], base))
        alphas = schedule.scaled((1.2, -0.4), index, lambda rows=rows: rows)
        tuned = process_logits(
            tuned_logits(rows, alphas), np.array(ids, np.int64), CONFIG, len(PROMPT)
        )
        ids.append(tuned.sample(CONFIG.seed, index)[0])
        schedule.push(ids[-1])
    return ids[len(PROMPT) :]


@pytest.mark.parametrize("policy", [*POLICIES, *NEVER_SKIPPED])
def test_a_policy_samples_what_its_alphas_say(policy: str) -> None:
    assert run(policy).ids == expected(policy)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_text_is_the_same_with_and_without_skipping(policy: str) -> None:
    whole, lean = run(policy), run(policy, skips=True)
    assert lean.ids == whole.ids
    assert [step.alphas for step in lean.steps] == [step.alphas for step in whole.steps]
    assert [step.sampled_probability for step in lean.steps] == [
        step.sampled_probability for step in whole.steps
    ]
    skipped = [step.index for step in lean.steps if step.skipped]
    off = [step.index for step in whole.steps if step.alphas == (0.0, -0.0)]
    assert skipped == [index for index in off if index > 0]  # the prompt is read by all
    assert not any(step.skipped for step in whole.steps)


@pytest.mark.parametrize("policy", POLICIES)
def test_what_pairs_miss_is_read_in_one_block_and_counted(policy: str) -> None:
    lean = run(policy, skips=True)
    assert lean.skipping is not None
    counts = lean.skipping.counts
    reads = lean.models[1].reads[1:]  # without the prompt
    skipped = sum(step.skipped for step in lean.steps)
    assert 0 < skipped < counts.tokens == len(lean.steps)
    assert counts.skipped == skipped
    assert counts.passes == 3 * skipped
    assert len(reads) == len(lean.steps) - 1 - skipped
    assert counts.caught_up == 3 * sum(size - 1 for size in reads)
    assert lean.models[0].reads[1:] == [1] * (len(lean.steps) - 1)
    read = lean.models[1].tokens
    assert read == lean.models[0].tokens[: len(read)]


@pytest.mark.parametrize("policy", [*POLICIES, *NEVER_SKIPPED])
def test_drafts_change_no_token_and_no_alpha(policy: str) -> None:
    plain, drafted = run(policy), run(policy, speculates=True)
    assert drafted.ids == plain.ids
    assert [step.alphas for step in drafted.steps] == [step.alphas for step in plain.steps]
    assert len(drafted.models[0].reads) < len(plain.models[0].reads)


def test_rows_of_skipped_tokens_are_the_base_s_own() -> None:
    step = next(step for step in run("confidence:0.4", skips=True).steps if step.skipped)
    logits = step.kept_logits
    assert all(row is logits.base for row in (*logits.experts, *logits.antiexperts))
    assert logits.nbytes == logits.base.nbytes


def test_a_constant_policy_is_today_s_output_bit_for_bit() -> None:
    for policy in ("constant", "ramp:1:1:5"):
        scheduled = run(policy)
        models = [TableModel(table) for table in tables(4, seed=5)]
        plain = decode(
            Ensemble(models, "abcd", PAIRS),
            [PROMPT] * 4,
            CONFIG,
            detokenizer=Detokenizer(TOKENIZER, PROMPT),
            eos_ids=(),
            alphas=lambda: (1.2, -0.4),
        )
        for step, scheduled_step in zip(plain, scheduled.steps, strict=True):
            assert step.token_id == scheduled_step.token_id
            assert step.alphas == scheduled_step.alphas
            assert step.sampled_probability == scheduled_step.sampled_probability


def test_a_fork_continues_the_policy_of_its_text() -> None:
    whole = run("ramp:0:1:20")
    fork = run("ramp:0:1:20", prefix=TextPrefix(kept=tuple(whole.ids[:25])))
    assert fork.ids == whole.ids[25:]
    assert [step.alphas for step in fork.steps] == [step.alphas for step in whole.steps[25:]]


def test_thinking_is_followed_through_tokens_that_are_given() -> None:
    form = ThinkingForm("the", "sea")
    thinking = Thinking((form,), prompt_known=True)
    given = TOKENIZER.encode("the king said sea and").ids
    config = GenerationConfig(max_new_tokens=len(given) + 1, temperature=0.0)
    models = [TransformersLanguageModel(tiny.make_model("llama", seed)) for seed in range(3)]
    steps = list(
        decode(
            Ensemble(models, "abc", [Pair("p", 1, 2)]),
            [TOKENIZER.encode("How many?").ids] * 3,
            config,
            detokenizer=Detokenizer(TOKENIZER),
            eos_ids=(),
            alphas=lambda: (2.0,),
            prefix=TextPrefix(forced=tuple(given)),
            schedule=AlphaSchedule(parse_policy("thinking"), thinking, Detokenizer(TOKENIZER)),
        )
    )
    texts = [TOKENIZER.decode(given[: step.index]) for step in steps]
    assert [step.alphas[0] for step in steps] == [
        2.0 if "the" in text and "sea" not in text else 0.0 for text in texts
    ]
