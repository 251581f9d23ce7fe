"""Policies of alpha in the engine: skipped pairs, runs side by side, and repetition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.checkpoints.spec import Recipe
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas, ReplayedAlphas
from app.engine.engine import Engine
from app.engine.events import Event, RunFinished, RunStats, TokenDecoded
from tests import tiny
from tests.bridged_recipes import bridged_recipe

pytestmark = pytest.mark.slow
PROMPTS = ("the king said", "the sea was wide", "How many? 12 + 30")
SKIPPING = ("confidence:0.069", "ramp:2:0:8", "answer")
OTHERS = ("kl:0.2", "agreement:0.5:0.9", "ramp:0:2:10", "entropy:3:9")


@pytest.fixture(scope="module")
def recipe(llama: tiny.Family) -> Recipe:
    found = llama.recipe(0.8, temperature=1.2, max_new_tokens=30, seed=2)
    return replace(found, base=replace(found.base, dtype="float32"))


class Desk:
    """An engine with a recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self.events: list[Event] = []
        self.recipe = recipe
        self.engine = Engine(self.events.append)
        self.engine.handle(Load(1, recipe, Cancellation()))

    def command(self, id_: int, policy: str, prompt: str = PROMPTS[0], **more: object) -> Generate:
        config = replace(self.recipe.sampling, alpha_policy=policy)
        alphas = more.pop("alphas", None) or LiveAlphas(self.recipe.alphas)
        return Generate(id_, prompt, config, alphas, Cancellation(), **more)  # type: ignore[arg-type]

    def run(self, *args: object, **more: object) -> list[TokenDecoded]:
        command = self.command(*args, **more)  # type: ignore[arg-type]
        self.engine.handle(command)
        return self.tokens(command.id)

    def tokens(self, id_: int) -> list[TokenDecoded]:
        return [e for e in self.events if isinstance(e, TokenDecoded) and e.id == id_]

    def stats(self, id_: int) -> RunStats:
        return next(e.stats for e in self.events if isinstance(e, RunFinished) and e.id == id_)


def ids(tokens: list[TokenDecoded]) -> list[int]:
    return [token.step.token_id for token in tokens]


@pytest.fixture(scope="module")
def desk(recipe: Recipe) -> Desk:
    return Desk(recipe)


@pytest.mark.parametrize("policy", [*SKIPPING, *OTHERS])
def test_a_repeated_run_has_the_same_text(desk: Desk, policy: str) -> None:
    desk.events.clear()
    first = desk.run(2, policy)
    alphas = ReplayedAlphas([token.step.alphas for token in first])
    again = desk.run(3, policy, alphas=alphas, fresh=True)
    assert ids(again) == ids(first)
    assert [token.step.alphas for token in again] == [token.step.alphas for token in first]
    assert desk.stats(3).skipped is None


@pytest.mark.parametrize("policy", ["confidence:0.069", "ramp:2:0:8", "entropy:3:9"])
def test_runs_side_by_side_have_the_texts_of_runs_alone(desk: Desk, policy: str) -> None:
    desk.events.clear()
    alone = [ids(desk.run(10 + n, policy, prompt)) for n, prompt in enumerate(PROMPTS)]
    runs = desk.engine.parallel_runs()
    for number, prompt in enumerate(PROMPTS):
        command = desk.command(20 + number, policy, prompt, beside=True)
        assert desk.engine.runs_side_by_side(command)
        runs.add(command, desk.events.append, lambda: None)
    while runs.busy:
        runs.step()
    assert [ids(desk.tokens(20 + number)) for number in range(3)] == alone


def test_pairs_are_skipped_and_counted(desk: Desk) -> None:
    desk.events.clear()
    tokens = desk.run(2, "ramp:2:0:8")
    stats = desk.stats(2)
    assert stats.speculation is None  # no drafts
    assert stats.skipped is not None
    skipped = [token.step.index for token in tokens if token.step.skipped]
    assert skipped == [index for index in range(len(tokens)) if index >= 8]
    assert stats.skipped.skipped == len(skipped)
    assert stats.skipped.passes == 2 * len(skipped)
    for token in tokens[8:]:
        assert token.attribution.p_base == token.attribution.p_tuned
        assert token.attribution.contributions == (0.0,)


def test_policies_that_need_every_token_keep_their_drafts(desk: Desk) -> None:
    desk.events.clear()
    desk.run(2, "kl:0.2")
    assert desk.stats(2).speculation is not None
    assert desk.stats(2).skipped is None


def test_the_next_run_reads_what_the_pairs_have_missed(desk: Desk) -> None:
    desk.events.clear()
    first = desk.run(2, "ramp:2:0:8")
    plain = ids(desk.run(3, "constant", kept=tuple(ids(first))[:20], fresh=True))
    assert ids(desk.run(4, "ramp:2:0:8")) == ids(first)
    assert ids(desk.run(5, "constant", kept=tuple(ids(first))[:20])) == plain


def test_a_role_alone_has_no_policy(desk: Desk) -> None:
    desk.events.clear()
    alone = desk.run(2, "ramp:2:0:8", role=0, alphas=LiveAlphas(()))
    assert ids(desk.run(3, "constant", role=0, alphas=LiveAlphas(()))) == ids(alone)
    assert not any(token.step.skipped for token in alone)


@pytest.mark.parametrize("policy", ["ramp:2:0:8", "confidence:0.069"])
def test_a_pair_of_another_vocabulary_is_skipped_and_catches_up(
    llama: tiny.Family, tmp_path: Path, policy: str
) -> None:
    recipe = bridged_recipe(llama, tmp_path)
    sampling = replace(recipe.sampling, temperature=1.2, max_new_tokens=24, seed=4)
    desk = Desk(replace(recipe, sampling=sampling))
    first = desk.run(2, policy)
    skipped = [token.step.skipped for token in first]
    assert True in skipped
    if policy != "ramp:2:0:8":
        assert False in skipped[skipped.index(True) :]  # it has caught up
    alphas = ReplayedAlphas([token.step.alphas for token in first])
    again = desk.run(3, policy, alphas=alphas, fresh=True)  # reads every token
    assert ids(again) == ids(first)
    for one, other in zip(first, again, strict=True):
        assert (one.step.coverage is None) == one.step.skipped
        assert one.attribution.p_tuned == pytest.approx(other.attribution.p_tuned, rel=1e-4)
