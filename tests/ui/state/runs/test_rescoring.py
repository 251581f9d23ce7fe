"""Tests of runs that are scored again in another dtype or quantization, with the real engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication, QObject
from pytestqt.qtbot import QtBot

import app
from app.checkpoints.spec import CheckpointSpec, Recipe
from app.engine.commands import Generate, Load
from app.engine.events import Failed
from app.evaluation.run_comparison import compare_runs
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
        for _ in ("own weights", "other weights", "models given back"):
            self.bridge.work()
            QCoreApplication.processEvents()
        self.bridge.work()


def called_run(weights: str) -> str:
    return f"{weights}: run"


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
    desk.rescoring.start(run, "bfloat16", called_run)
    desk.work()
    ((first, again),) = desk.found
    assert first.name == "float32: run"
    assert [token.attribution.logprob_tuned for token in first.tokens] == pytest.approx(
        [token.attribution.logprob_tuned for token in run.tokens], abs=1e-4
    )
    assert again.scored
    assert again.name == "bfloat16: run"
    assert [first, again] == desk.runs.all[2:]
    assert desk.runs.current is run
    assert again.token_ids == first.token_ids
    assert [token.alphas for token in again.tokens] == [token.alphas for token in first.tokens]
    assert desk.session.recipe == edited
    assert desk.session.recipe.models == before.models
    assert desk.session.model is not None  # loaded
    assert desk.session.undo_stack.count() == 1
    assert not desk.session.undo_stack.canRedo()
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
    desk.rescoring.start(desk.run, OPEN_RECIPE, called_run)
    desk.work()
    ((first, again),) = desk.found
    assert first.recipe.models == desk.run.recipe.models
    assert again.recipe.models == opened.models
    assert desk.session.recipe is opened
    assert desk.session.model is not None


def test_models_with_other_tokens_are_refused(desk: Desk) -> None:
    desk.run.labels = tuple(f"{label}?" for label in desk.run.labels)
    desk.session.open_recipe(in_weights(desk.session.recipe, "bfloat16"))
    desk.work()
    desk.rescoring.start(desk.run, OPEN_RECIPE, called_run)
    assert desk.rescoring.again is None
    assert "other tokens" in str(desk.rescoring.problem)


def test_models_that_cannot_be_loaded_leave_the_recipe_and_the_runs(desk: Desk) -> None:
    before = desk.session.recipe
    missing = before.with_role(0, CheckpointSpec("/nowhere/model", dtype="float32"))
    desk.run.recipe = missing
    desk.rescoring.start(desk.run, "bfloat16", called_run)
    desk.work()
    assert not desk.found
    assert desk.rescoring.again is None
    assert "/nowhere/model" in str(desk.rescoring.problem)
    assert desk.runs.all == [desk.run]
    assert desk.session.recipe == before
    assert desk.session.model is not None
    desk.run.recipe = before
    desk.rescoring.start(desk.run, "float32", called_run)
    assert "were loaded as float32" in str(desk.rescoring.problem)


def scored_in_own_weights(session: Session, bridge: FakeBridge, qtbot: QtBot) -> Rescoring:
    """The rescoring in nf4 of a run whose tokens have been scored in its own weights."""
    rescoring = Rescoring(session, session)
    rescoring.start(session.runs.all[0], "nf4", called_run)
    bridge.start_run()
    with qtbot.waitSignal(rescoring.changed):
        bridge.decode(60)
        bridge.finish_run(tokens=60)
    return rescoring


def test_what_is_changed_meanwhile_stays_and_can_be_undone(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    session, before = finished_session, finished_session.recipe
    rescoring = scored_in_own_weights(session, bridge, qtbot)
    load = bridge.last(Load)
    assert isinstance(load, Load)
    assert {spec.quantization for spec in load.recipe.checkpoints()} == {"nf4"}
    bridge.finish_load()
    assert session.model is None  # the API server must not answer with other weights
    session.set_alpha(0, 0.5)
    rescoring.stop()
    with qtbot.waitSignal(rescoring.changed):
        bridge.fail_run(None)
    assert session.recipe == before.with_alphas((0.5, before.alphas[1]))
    assert session.undo_stack.count() == 1
    bridge.finish_load()
    assert session.model is not None
    session.undo_stack.undo()
    assert session.recipe == before
    assert session.model is not None  # nothing is loaded for it
    assert len(session.runs.all) == 1
    assert rescoring.problem is None


def test_other_models_that_are_chosen_meanwhile_are_loaded(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    session, before = finished_session, finished_session.recipe
    rescoring = scored_in_own_weights(session, bridge, qtbot)
    bridge.finish_load()
    session.set_context(64)
    load = bridge.last(Load)
    assert isinstance(load, Load)
    with qtbot.waitSignal(rescoring.changed):
        bridge.fail_run(None)
    assert bridge.last(Load) is load
    assert load.recipe.context == 64
    assert {spec.quantization for spec in load.recipe.checkpoints()} == {"none"}
    session.undo_stack.undo()
    assert session.recipe == before
    assert session.before_edit is None  # those in nf4 were not kept as the models of a recipe


def test_a_run_that_is_started_next_has_the_models_of_the_window(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    session = finished_session
    scored_in_own_weights(session, bridge, qtbot)
    bridge.finish_load()
    bridge.fail_run(None)
    session.runs.generate("Once")  # before the models have been given back
    load, command = bridge.last(Load), bridge.last(Generate)
    assert isinstance(load, Load)
    assert isinstance(command, Generate)
    assert load.recipe.models == session.recipe.models
    assert command.load == load.id
    assert session.runs.all[-1].recipe.models == session.recipe.models


def test_stopping_ends_the_load(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    session, before = finished_session, finished_session.recipe
    rescoring = scored_in_own_weights(session, bridge, qtbot)
    rescoring.stop()
    with qtbot.waitSignal(rescoring.changed):
        bridge.events.emit([Failed(bridge.last(Load).id, None)])
    assert session.recipe is before
    assert session.runs.all == [session.runs.current]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_generated_run_in_the_same_weights_has_no_difference(
    qapp: QObject, llama: tiny.Family, dtype: str
) -> None:
    desk = Desk(in_weights(llama.recipe(temperature=1.0, seed=5, max_new_tokens=120), dtype))
    same_weights = replace(desk.session.recipe, context=300)
    desk.session.open_recipe(same_weights)
    desk.work()
    desk.rescoring.start(desk.run, OPEN_RECIPE, called_run)
    desk.work()
    ((first, again),) = desk.found
    assert len(again.tokens) == 120
    assert compare_runs(first.tokens, again.tokens, 120).shared is None


def test_auto_is_the_dtype_in_force(desk: Desk) -> None:
    stored = in_weights(desk.session.recipe, "auto")
    desk.session.open_recipe(stored)
    desk.work()
    desk.runs.generate(PROMPT)
    desk.work()
    run = desk.runs.all[-1]
    assert {role.dtype for role in desk.session.roles_in_force} == {"float32"}
    assert desk.rescoring.choices(run) == ("bfloat16", "float16", "int8", "nf4")
    desk.session.open_recipe(in_weights(stored, "bfloat16"))
    desk.work()
    assert "float32" in desk.rescoring.choices(run)  # it is not known without its models
    desk.rescoring.start(run, "float32", called_run)
    desk.work()
    assert "were loaded as float32" in str(desk.rescoring.problem)
    assert not desk.found
    assert desk.runs.all[-1] is run
    assert "float32" not in desk.rescoring.choices(run)


def test_own_weights_are_scored_once_for_several_comparisons(desk: Desk) -> None:
    for weights in ("bfloat16", "float16"):
        desk.rescoring.start(desk.run, weights, called_run)
        desk.work()
    (own, _), (again_own, other) = desk.found
    assert again_own is own
    assert [run.name for run in desk.runs.all[1:]] == [
        "float32: run",
        "bfloat16: run",
        "float16: run",
    ]
    desk.rescoring.start(desk.run, "bfloat16", called_run)
    desk.rescoring.stop()
    desk.work()
    assert own in desk.runs.all
    assert desk.runs.all[-1] is other
