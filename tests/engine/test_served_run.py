"""Runs on a server that tunes, with a server on loopback that answers from tiny models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.attribution.attribution import attribute
from app.attribution.step_attribution import candidates_of
from app.checkpoints.recipes.recipe_file import recipe_of_text, recipe_text
from app.checkpoints.spec import Recipe
from app.decoding.types import FinishReason, GenerationConfig, RoleLogits
from app.engine.commands import Generate, Load
from app.engine.controls import Cancellation, LiveAlphas
from app.engine.engine import Engine
from app.engine.events import Event, Failed, Loaded, RunFinished, TokenDecoded
from tests import tiny
from tests.engine.tuned_server import TunedServer

pytestmark = [pytest.mark.server, pytest.mark.slow]
GREEDY = GenerationConfig(max_new_tokens=6, temperature=0.0)
PROMPT = "the king said"


@pytest.fixture
def server(llama: tiny.Family) -> Iterator[TunedServer]:
    made = TunedServer(llama)
    yield made
    made.close()


class Desk:
    """An engine and its events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.engine = Engine(self._hear)
        self.alphas = LiveAlphas((1.0,))
        self.change_at = self.cancel_at = -1
        self.cancellation = Cancellation()

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, TokenDecoded) and event.step.index == self.cancel_at:
            self.cancellation.request()
        if isinstance(event, TokenDecoded) and event.step.index == self.change_at:
            self.alphas.set((-0.5,))

    def load(self, recipe: Recipe) -> Event:
        self.engine.handle(Load(1, recipe, Cancellation()))
        return self.events[-1]

    def generate(self, config: GenerationConfig = GREEDY, **more: Any) -> list[TokenDecoded]:
        self.events.clear()
        command = Generate(2, PROMPT, config, self.alphas, self.cancellation, **more)
        self.engine.handle(command)
        return [event for event in self.events if isinstance(event, TokenDecoded)]

    def said(self) -> str:
        failed = self.events[-1]
        assert isinstance(failed, Failed), failed
        return str(failed.error)


@pytest.fixture
def desk(server: TunedServer) -> Desk:
    made = Desk()
    assert isinstance(made.load(server.recipe), Loaded), made.said()
    return made


def greedy(server: TunedServer, ids: list[int], alpha: float, count: int) -> list[int]:
    found: list[int] = []
    for _ in range(count):
        base, expert, antiexpert = server.rows([*ids, *found])
        found.append(int((base + alpha * (expert - antiexpert)).argmax()))
    return found


def test_tokens_text_and_numbers_are_those_of_the_models(desk: Desk, server: TunedServer) -> None:
    prompt = tiny.make_tokenizer().encode(PROMPT).ids
    found = desk.generate()
    ids = [event.step.token_id for event in found]
    assert ids == greedy(server, prompt, 1.0, 6)
    assert isinstance(desk.events[-1], RunFinished)
    assert desk.events[-1].finish_reason is FinishReason.LENGTH
    for place, event in enumerate(found):
        base, expert, anti = (row.numpy() for row in server.rows([*prompt, *ids[:place]]))
        expected = attribute(RoleLogits(base, (expert,), (anti,)), (1.0,), ids[place])
        assert event.attribution.rank_tuned == expected.rank_tuned
        for name in ("p_base", "p_tuned", "contributions", "kl", "entropy_base"):
            wanted = pytest.approx(getattr(expected, name), abs=1e-5)
            assert getattr(event.attribution, name) == wanted
        rows = candidates_of(event.step)
        assert rows.experts[0] == pytest.approx(expert[rows.token_ids], abs=1e-5)


def test_another_alpha_is_sent_with_the_text_so_far(desk: Desk, server: TunedServer) -> None:
    prompt = tiny.make_tokenizer().encode(PROMPT).ids
    desk.change_at = 2
    found = desk.generate()
    assert [event.step.alphas for event in found] == [(1.0,)] * 3 + [(-0.5,)] * 3
    ids = [event.step.token_id for event in found]
    assert ids[3:] == greedy(server, [*prompt, *ids[:3]], -0.5, 3)
    assert [event.step.index for event in found] == list(range(6))
    desk.change_at = -1
    assert [event.step.token_id for event in desk.generate(kept=tuple(ids[:3]))] == ids[3:]


def test_a_stop_string_ends_the_text(desk: Desk) -> None:
    text = "".join(event.step.text for event in desk.generate())
    stop = text[3:5]
    found = desk.generate(replace(GREEDY, stop=(stop,)))
    assert "".join(event.step.text for event in found) == text.partition(stop)[0]
    assert isinstance(desk.events[-1], RunFinished)
    assert desk.events[-1].finish_reason is FinishReason.STOP


def test_a_stream_that_breaks_keeps_its_tokens_and_says_so(desk: Desk, server: TunedServer) -> None:
    server.ends_after = 2
    assert len(desk.generate()) == 2
    assert "was lost in the middle of an answer" in desk.said()


def test_a_token_that_the_server_ends_with_is_not_part_of_the_text(
    desk: Desk, server: TunedServer
) -> None:
    ids = [event.step.token_id for event in desk.generate()]
    server.ends_with = ids[2]
    found = [event.step.token_id for event in desk.generate()]
    assert found == ids[: ids.index(ids[2])]
    assert isinstance(desk.events[-1], RunFinished)
    assert desk.events[-1].finish_reason is FinishReason.EOS


def test_a_run_is_cancelled_while_tokens_keep_coming(desk: Desk) -> None:
    desk.cancel_at = 1
    assert len(desk.generate(replace(GREEDY, max_new_tokens=40))) < 40
    assert isinstance(desk.events[-1], RunFinished)
    assert desk.events[-1].finish_reason is FinishReason.CANCELLED


def test_tokens_without_contributions_end_the_run_with_a_reason(
    desk: Desk, server: TunedServer
) -> None:
    server.tunes = False
    assert not desk.generate()
    assert "does not say what pairs do to its tokens" in desk.said()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"role": 1}, "One role alone cannot be had"),
        ({"forced": (5,)}, "Choosing another token cannot be had"),
        ({"text": "a"}, "Scoring a given text cannot be had"),
        ({"config": replace(GREEDY, alpha_policy="kl:0.5")}, "A policy of α cannot be had"),
        ({"config": replace(GREEDY, structure="json")}, "A structure cannot be asked"),
        ({"kept": (5,) * 70}, "The text fills the context of the server"),
    ],
)
def test_what_a_server_does_not_give_is_refused(
    desk: Desk, more: dict[str, Any], sentence: str
) -> None:
    assert not desk.generate(**more)
    assert sentence in desk.said()


def test_other_servers_are_refused_with_a_reason(server: TunedServer) -> None:
    desk, recipe = Desk(), server.recipe
    pair = recipe.pairs[0]
    desk.load(replace(recipe, pairs=(replace(pair, name="Other"),)))
    assert "tunes with other pairs than the recipe (There is no pair “Other”" in desk.said()
    desk.load(replace(recipe, pairs=(pair, replace(pair, name="Second"))))
    assert "tunes with other pairs than the recipe (it has 1, the recipe has 2)" in desk.said()
    server.tunes = False
    desk.load(recipe)
    assert "does not say what pairs do to its tokens" in desk.said()
    server.status = 401
    desk.load(recipe)
    assert "requires a key" in desk.said()
    gone = "endpoint:http://127.0.0.1:1/v1"
    desk.load(replace(recipe, base=replace(recipe.base, source=gone)))
    assert "cannot be reached" in desk.said()


def test_a_recipe_that_is_tuned_on_a_server_reads_back(server: TunedServer) -> None:
    recipe = server.recipe
    assert recipe_of_text(recipe_text(recipe), "r.toml", Path("/")).base == recipe.base
