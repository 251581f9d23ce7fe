"""Tests of runs that are scored again in another dtype or quantization, with the real engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication, QObject
from pytestqt.qtbot import QtBot

import app
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.engine.commands import Load
from app.engine.events import Failed
from app.settings import Settings
from app.ui.state.runs.rescoring import OPEN_RECIPE, Rescoring
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from tests import tiny
from tests.ui.conftest import EngineBridge, FakeBridge

PROMPT, TEXT = "the king said", " the king said the queen"


class Desk:
    """A session with an engine that processes commands on demand, and a run of 12 tokens."""

    def __init__(self, recipe: Recipe) -> None:
        self.bridge = EngineBridge()
        self.session = Session(self.bridge, recipe, Settings())  # type: ignore[arg-type]
        self.session.load()
        self.bridge.work()
        self.runs = self.session.runs
        self.runs.generate(PROMPT)
        self.bridge.work()
        self.rescoring = Rescoring(self.session, self.session)
        self.found: list[tuple[Run, Run]] = []
        self.rescoring.finished.connect(lambda *runs: self.found.append(runs))

    @property
    def run(self) -> Run:
        return self.runs.all[0]

    def work(self) -> None:
        """Carry out all commands, and what follows their ends."""
        self.bridge.work()
        QCoreApplication.processEvents()
        self.bridge.work()


def in_weights(recipe: Recipe, dtype: str) -> Recipe:
    for place, spec in enumerate(recipe.checkpoints()):
        recipe = recipe.with_role(place, replace(spec, dtype=dtype))
    return recipe


@pytest.fixture
def desk(qapp: QObject, llama: tiny.Family) -> Desk:
    return Desk(in_weights(llama.recipe(temperature=1.0, seed=5), "float32"))


def test_the_numbers_are_those_of_the_other_weights_and_the_recipe_comes_back(desk: Desk) -> None:
    before = desk.session.recipe
    desk.runs.score(PROMPT, TEXT)
    desk.work()
    run = desk.runs.all[1]
    desk.session.set_alpha(0, 0.25)  # after the run
    edited = desk.session.recipe
    desk.rescoring.start(run, "bfloat16", "bfloat16: run")
    desk.work()
    ((first, again),) = desk.found
    assert first is run
    assert again.scored
    assert again.name == "bfloat16: run"
    assert again in desk.runs.all
    assert desk.runs.current is first
    assert again.token_ids == first.token_ids
    assert [token.alphas for token in again.tokens] == [token.alphas for token in first.tokens]
    assert desk.session.recipe == edited
    assert desk.session.recipe.models == before.models
    assert desk.session.model is not None  # loaded
    desk.session.undo_stack.undo()
    assert desk.session.recipe == before
    with app.load(in_weights(before, "bfloat16"), prove=False) as models:
        scored = app.score(models, PROMPT, TEXT)
    ours = [token.attribution.logprob_tuned for token in again.tokens]
    assert ours == pytest.approx([token.attribution.logprob_tuned for token in scored.tokens])
    assert ours != [token.attribution.logprob_tuned for token in first.tokens]


def test_the_recipe_that_is_open_scores_a_run_of_other_models(
    desk: Desk, llama: tiny.Family
) -> None:
    assert not desk.rescoring.may_use_open_recipe(desk.run)
    desk.session.open_recipe(in_weights(desk.session.recipe, "bfloat16"))
    desk.work()
    opened = desk.session.recipe
    assert desk.rescoring.may_use_open_recipe(desk.run)
    desk.rescoring.start(desk.run, OPEN_RECIPE, "other")
    desk.work()
    assert desk.found
    assert desk.session.recipe is opened


def test_models_with_other_tokens_are_refused(desk: Desk) -> None:
    desk.run.labels = tuple(f"{label}?" for label in desk.run.labels)
    desk.session.open_recipe(in_weights(desk.session.recipe, "bfloat16"))
    desk.work()
    desk.rescoring.start(desk.run, OPEN_RECIPE, "other")
    assert desk.rescoring.again is None
    assert "other tokens" in str(desk.rescoring.problem)


def test_models_that_cannot_be_loaded_leave_the_recipe_and_the_runs(desk: Desk) -> None:
    before = desk.session.recipe
    missing = before.with_role(0, CheckpointSpec("/nowhere/model", dtype="float32"))
    desk.run.recipe = missing
    desk.rescoring.start(desk.run, "bfloat16", "bfloat16")
    desk.work()
    assert not desk.found
    assert desk.rescoring.again is None
    assert "/nowhere/model" in str(desk.rescoring.problem)
    assert desk.runs.all == [desk.run]
    assert desk.session.recipe == before
    assert desk.session.model is not None
    desk.run.recipe = before
    desk.rescoring.start(desk.run, "float32", "float32")
    assert "were loaded as float32" in str(desk.rescoring.problem)


def test_alphas_that_are_moved_meanwhile_do_not_keep_the_other_weights(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    session, before = finished_session, finished_session.recipe
    rescoring = Rescoring(session, session)
    rescoring.start(session.runs.all[0], "nf4", "nf4")
    assert {spec.quantization for spec in session.recipe.checkpoints()} == {"nf4"}
    bridge.finish_load()
    session.set_alpha(0, 0.5)
    rescoring.stop()
    with qtbot.waitSignal(rescoring.changed):
        bridge.fail_run(None)
    assert session.recipe.models == before.models
    assert len(session.runs.all) == 1
    assert rescoring.problem is None


def test_stopping_ends_the_load(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    session, before = finished_session, finished_session.recipe
    rescoring = Rescoring(session, session)
    rescoring.start(session.runs.all[0], "nf4", "nf4")
    rescoring.stop()
    with qtbot.waitSignal(rescoring.changed):
        bridge.events.emit([Failed(bridge.last(Load).id, None)])
    assert session.recipe is before
    assert session.runs.all == [session.runs.current]
