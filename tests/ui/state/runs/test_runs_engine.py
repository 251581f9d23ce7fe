"""Tests of branches and continued runs with the real engine and tiny models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from torch import Tensor

from app.attribution.candidates import tabulate
from app.checkpoints.spec import Recipe
from app.decoding.model_context import ModelContext
from app.decoding.types import FinishReason
from app.settings import Settings
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from tests import tiny
from tests.ui.conftest import EngineBridge

PROMPT = "the king said"


class Desk:
    """A session with an engine that processes commands on demand."""

    def __init__(self, recipe: Recipe) -> None:
        self.bridge = EngineBridge()
        self.session = Session(self.bridge, recipe, Settings())  # type: ignore[arg-type]
        self.runs = self.session.runs
        self.session.load()
        self.bridge.work()

    @property
    def run(self) -> Run:
        assert self.runs.current
        return self.runs.current

    def sample(self, **settings: object) -> None:
        self.session.set_sampling(replace(self.session.recipe.sampling, **settings))  # type: ignore[arg-type]

    def step(self) -> None:
        self.runs.step(PROMPT)
        self.bridge.work()


@pytest.fixture(scope="module")
def loaded(qapp: object, llama: tiny.Family) -> Desk:
    return Desk(llama.recipe(temperature=1.0, seed=5))


@pytest.fixture
def desk(loaded: Desk, llama: tiny.Family) -> Desk:
    """A desk with one run of 12 tokens."""
    for run in list(loaded.runs.all):
        loaded.runs.remove(run)
    loaded.session.open_recipe(llama.recipe(temperature=1.0, seed=5))
    loaded.runs.generate(PROMPT)
    loaded.bridge.work()
    assert len(loaded.run.tokens) == 12
    return loaded


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of tokens that each model context reads in each block."""
    blocks: list[int] = []
    extend = ModelContext.extend

    def count(self: ModelContext, tokens: Sequence[int], last: int) -> Tensor:
        blocks.append(len(tokens))
        return extend(self, tokens, last)

    monkeypatch.setattr(ModelContext, "extend", count)
    return blocks


def other_than(run: Run, index: int) -> int:
    """The most probable candidate at a token other than the generated one."""
    ids = tabulate(run.candidates(index)).token_ids
    return next(int(id_) for id_ in ids if id_ != run.tokens[index].token_id)


def test_a_fork_reads_only_new_tokens(desk: Desk, read: list[int]) -> None:
    first = desk.run
    desk.runs.fork(6, token_id=other_than(first, 6))
    desk.runs.continue_run()  # ignored while the run is active
    desk.sample(max_new_tokens=12)
    desk.bridge.work()
    # The caches hold the prompt and the text: five tokens of it stay, the sixth is read for its
    # logits, and then come blocks of what is new.
    assert read[:3] == [1, 1, 1]
    assert len(desk.run.tokens) == 18


@pytest.mark.slow
def test_a_branch_equals_a_new_run_with_the_same_beginning(desk: Desk) -> None:
    first = desk.run
    taken = other_than(first, 6)
    desk.runs.fork(6, token_id=taken)
    desk.bridge.work()
    branch = desk.run
    fresh = Desk(desk.session.recipe)  # with empty caches
    whole = Run(0, PROMPT, first.recipe, first.alphas)
    whole.tokens = [*first.tokens[:6], replace(first.tokens[6], token_id=taken)]
    fresh.runs.add(whole)
    whole.end(FinishReason.LENGTH)
    fresh.runs.continue_run(11)
    fresh.bridge.work()
    assert fresh.run.token_ids == branch.token_ids
    for one, other in zip(fresh.run.tokens[7:], branch.tokens[7:], strict=True):
        assert one.attribution.p_tuned == pytest.approx(other.attribution.p_tuned, abs=1e-5)
        assert one.text == other.text
        ours, theirs = (tabulate(run.candidates(one.index)) for run in (branch, fresh.run))
        assert ours.p_tuned[:5] == pytest.approx(theirs.p_tuned[:5], abs=1e-5)


def test_the_same_choice_gives_the_same_text(desk: Desk) -> None:
    first = desk.run
    desk.sample(max_new_tokens=6)
    desk.runs.fork(6)
    desk.bridge.work()
    assert desk.run.token_ids == first.token_ids


@pytest.mark.slow
def test_a_continued_run_equals_one_without_a_break(desk: Desk) -> None:
    desk.sample(max_new_tokens=20)
    desk.runs.generate(PROMPT)
    desk.bridge.work()
    whole = desk.run
    desk.sample(max_new_tokens=9)
    desk.runs.generate(PROMPT)
    desk.bridge.work()
    desk.runs.continue_run(11)
    desk.bridge.work()
    assert desk.run.token_ids == whole.token_ids
    assert desk.run.text == whole.text
    assert [token.start for token in desk.run.tokens] == [token.start for token in whole.tokens]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_stepping_gives_the_same_text_with_any_characters(desk: Desk, seed: int) -> None:
    desk.sample(seed=seed, temperature=5.0, max_new_tokens=14)  # makes incomplete characters likely
    desk.runs.generate(PROMPT)
    desk.bridge.work()
    whole = desk.run
    desk.runs.show(None)
    for _ in whole.tokens:
        desk.step()
    assert desk.run.token_ids == whole.token_ids
    assert desk.run.text == whole.text
    assert [token.text for token in desk.run.tokens] == [token.text for token in whole.tokens]
    assert not any(token.forced for token in desk.run.tokens)
    assert len(desk.run.rows.steps()) == len(whole.tokens)


def test_a_chosen_token_is_followed_by_its_continuation(desk: Desk) -> None:
    desk.runs.show(None)
    for _ in range(4):
        desk.step()
    taken = other_than(desk.run, 3)
    desk.runs.replace_last(taken)
    desk.bridge.work()
    assert desk.run.token_ids[3:] == (taken,)
    assert desk.run.tokens[3].forced
    desk.step()
    stepped = desk.run
    desk.runs.show(desk.runs.all[0])
    desk.sample(max_new_tokens=2)
    desk.runs.fork(3, token_id=taken)
    desk.bridge.work()
    assert desk.run.token_ids == stepped.token_ids


def test_continue_passes_a_stop_string(desk: Desk) -> None:
    whole = desk.run
    stop = whole.text[len(whole.text) // 2 :][:2]
    desk.sample(stop=(stop,))
    desk.runs.generate(PROMPT)
    desk.bridge.work()
    assert desk.run.finish_reason is FinishReason.STOP
    ended = len(desk.run.tokens)
    assert ended < 12
    desk.runs.continue_run(12 - ended)
    desk.bridge.work()
    assert desk.run.text == whole.text
    assert desk.run.token_ids == whole.token_ids


@pytest.mark.slow
def test_what_if_answers_equal_the_tokens_generated_at_those_alphas(desk: Desk) -> None:
    first = desk.run
    desk.runs.ask_what_if((-1.0,))
    desk.bridge.work()
    found = desk.runs.questions.answer
    assert found
    assert found.examined == 12
    choice = found.choices[0]
    desk.session.set_alpha(0, -1.0)
    desk.runs.generate(PROMPT)
    desk.bridge.work()
    assert desk.run.token_ids[: choice.index] == first.token_ids[: choice.index]
    assert desk.run.token_ids[choice.index] == choice.token_id
    desk.runs.show(first)
    desk.sample(max_new_tokens=12 - choice.index)
    desk.runs.fork(choice.index, token_id=choice.token_id)
    desk.bridge.work()
    assert desk.run.token_ids == desk.runs.all[1].token_ids


@pytest.mark.slow
def test_runs_of_all_roles_equal_those_of_single_models(desk: Desk) -> None:
    answers = desk.runs.generate_all_roles(PROMPT)
    desk.bridge.work()
    base, expert, antiexpert, tuned = answers
    assert tuned.token_ids == desk.runs.all[0].token_ids
    assert base.token_ids != expert.token_ids
    assert all(not run.active and run.tokens for run in answers)
    spec = desk.session.recipe.pairs[0]
    alone = replace(desk.session.recipe, base=spec.antiexpert).with_alphas((0.0,))
    again = Desk(alone)
    again.runs.generate(PROMPT)
    again.bridge.work()
    assert again.run.token_ids == antiexpert.token_ids


def test_stop_ends_waiting_runs_too(desk: Desk) -> None:
    answers = desk.runs.generate_all_roles(PROMPT)
    desk.runs.stop()
    desk.bridge.work()
    assert all(run.finish_reason is FinishReason.CANCELLED for run in answers)
    assert not any(run.tokens for run in answers)


def test_a_scored_run_can_be_continued(desk: Desk) -> None:
    first = desk.run
    desk.runs.score(PROMPT, " and the queen, 한")
    desk.bridge.work()
    run = desk.run
    assert run.text == " and the queen, 한"
    assert all(token.forced for token in run.tokens)
    desk.runs.continue_run(3)
    desk.bridge.work()
    assert desk.run.text.startswith(" and the queen, 한")
    assert [token.forced for token in desk.run.tokens[-3:]] == [False] * 3
    desk.runs.show(first)
    desk.runs.fork(len(first.tokens), text=" and so")
    desk.bridge.work()
    assert desk.run.text.startswith(first.text + " and so")
