"""Tests of starting, stopping, resuming and opening evaluations."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from app.checkpoints.loading.loaded_recipe import LoadedRecipe
from app.checkpoints.spec import CheckpointSpec
from app.checkpoints.status import LoadProgress
from app.engine.commands import BorrowModels, Generate, Load
from app.engine.events import BorrowProgress, EngineFailed, Loaded, Loading
from app.errors import EvaluationError
from app.evaluation.evaluation_run import evaluate
from app.evaluation.loading import ModelLoader
from app.evaluation.plan import Plan, prepare
from app.evaluation.results import TaskResults, result_of
from app.evaluation.store import ResultFolder
from app.ui.state.records.evaluation import Stage
from tests.evaluation.test_variants import single_model
from tests.ui.evaluating import PROMPTS, Desk


def scores(found: list[TaskResults]) -> list[tuple[str, float, int]]:
    return [
        (result.variant.title, result.measure.score, result.measure.count)
        for task in found
        for result in task.results
    ]


def current(desk: Desk) -> list[tuple[str, float, int]]:
    assert desk.evaluations.current
    return scores(desk.evaluations.current.results())


@pytest.mark.slow
def test_scores_equal_those_of_the_command_line(
    desk: Desk, plan: Plan, lent: LoadedRecipe, tmp_path: Path
) -> None:
    desk.session.set_alpha(0, 1.4)
    desk.evaluations.start(plan)
    desk.session.set_alpha(0, -1.0)  # has no effect on the evaluation
    desk.advance()
    evaluation = desk.evaluations.current
    assert evaluation
    assert (evaluation.stage, evaluation.done) == (Stage.COMPLETE, 3 * len(PROMPTS))
    prepared = prepare(plan, lent.recipe.with_alphas((1.4, 1.5)), single_model)
    folder = ResultFolder(tmp_path / "other")
    answers = list(evaluate(prepared.tasks, prepared.variants, folder, ModelLoader(borrowed=lent)))
    by_view = {
        view.title: result_of(view, [a.record for a in answers if a.variant == view])
        for view in prepared.variants
    }
    assert current(desk) == [
        (title, result.measure.score, result.measure.count) for title, result in by_view.items()
    ]
    assert evaluation.records == {  # the keys include alphas and models
        ("mine", view.title): [a.record for a in answers if a.variant == view]
        for view in prepared.variants
    }
    desk.settle()
    report = json.loads((evaluation.folder / "results.json").read_text())
    assert report["complete"]
    assert report["tasks"][0]["results"][1]["shifts"]["all"]["tokens"] > 0


@pytest.mark.slow
def test_an_evaluation_stops_and_resumes(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.advance(5)  # the prepared tasks and four answers
    evaluation = desk.evaluations.current
    assert evaluation
    assert (evaluation.stage, evaluation.done) == (Stage.RUNNING, 4)
    assert evaluation.seconds_left is not None
    desk.evaluations.stop()
    desk.advance()
    assert (evaluation.stage, desk.evaluations.running) == (Stage.STOPPED, False)
    done = evaluation.done
    assert 4 <= done < 12
    desk.evaluations.resume()
    desk.advance()
    assert desk.evaluations.current is evaluation
    assert (evaluation.stage, evaluation.done) == (Stage.COMPLETE, 12)
    assert evaluation.fresh == 12 - done


def test_runs_are_interleaved_and_other_models_end_the_evaluation(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    command = desk.bridge.last(BorrowModels)
    assert isinstance(command, BorrowModels)
    assert command.interleaved
    desk.advance(2)
    desk.session.runs.generate("the king")
    assert isinstance(desk.bridge.last(Generate), Generate)
    assert not command.cancellation.requested()
    desk.session.set_source(0, "builtin:demo/base")
    assert command.cancellation.requested()


def test_loading_its_own_models_does_not_end_a_waiting_evaluation(desk: Desk, plan: Plan) -> None:
    desk.session.load(fresh=True)
    desk.evaluations.start(plan)
    command = desk.bridge.last(BorrowModels)
    desk.bridge.check()
    desk.bridge.finish_load()
    assert not command.cancellation.requested()
    desk.session.load(fresh=True)
    assert command.cancellation.requested()


def test_a_load_reported_with_the_first_answers_does_not_end_it(desk: Desk, plan: Plan) -> None:
    """A busy window receives the end of a load and the first answers in one batch."""
    desk.session.load(fresh=True)
    desk.evaluations.start(plan)
    load, lend = desk.bridge.last(Load), desk.bridge.last(BorrowModels)
    assert isinstance(load, Load)
    assert isinstance(lend, BorrowModels)
    work = lend.job(desk._lent)
    labels = ("a",) * 4
    desk.bridge.events.emit(
        [
            Loading(load.id, LoadProgress("base", 1, 2)),
            Loaded(load.id, load.recipe, (), labels, 1),
            BorrowProgress(lend.id, next(work)),
        ]
    )
    work.close()
    assert not lend.cancellation.requested()
    assert desk.evaluations.current
    assert desk.evaluations.current.stage is Stage.RUNNING


def test_errors_are_reported(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(replace(plan, tasks=("nowhere.toml",)))
    desk.advance()
    evaluation = desk.evaluations.current
    assert evaluation
    assert evaluation.stage is Stage.FAILED
    assert "nowhere.toml" in str(evaluation.error)
    assert desk.kept() == []


def test_an_engine_failure_ends_the_evaluation(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.bridge.events.emit([EngineFailed(EvaluationError("no torch"), "")])
    assert not desk.evaluations.running
    desk.evaluations.start(plan)
    assert not desk.evaluations.running


@pytest.mark.slow
def test_a_past_evaluation_is_opened_with_its_answers(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.advance()
    before = current(desk)
    first = desk.evaluations.current
    desk.evaluations.clear()
    (summary,) = desk.kept()
    desk.evaluations.show(summary)
    desk.settle()
    opened = desk.evaluations.current
    assert opened
    assert opened is not first
    assert (opened.id, opened.plan, opened.stage) == (summary.id, plan, Stage.COMPLETE)
    assert current(desk) == before
    records = opened.of("mine", "tuned")
    assert [record["prompt"] for record in records] == PROMPTS
    assert all(record["shifted"] for record in records)


@pytest.mark.slow
def test_a_killed_evaluation_can_be_opened_and_resumed(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.advance(6)
    (summary,) = desk.kept()  # saved when the tasks had been read
    assert not summary.complete
    desk._work = None
    desk.bridge.events.emit([EngineFailed(EvaluationError("gone"), "")])
    other = Desk(desk.session.recipe, desk._lent, desk.folder)
    (summary,) = other.kept()
    other.evaluations.show(summary)
    other.settle()
    other.evaluations.resume()
    other.advance()
    evaluation = other.evaluations.current
    assert evaluation
    assert (evaluation.stage, evaluation.done, evaluation.fresh) == (Stage.COMPLETE, 12, 12 - 5)
    assert [kept.complete for kept in other.kept()] == [True]
    other.close()


def test_scores_survive_a_kill_right_after_resuming(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.advance(5)
    desk.evaluations.stop()
    desk.advance()
    (before,) = desk.kept()
    desk.evaluations.resume()
    desk.advance(1)  # the tasks without answers
    assert [kept.results for kept in desk.kept()] == [before.results]


@pytest.mark.slow
def test_deleting_an_evaluation_deletes_its_answers(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.advance()
    (summary,) = desk.kept()
    elsewhere = replace(summary, folder=str(desk.folder / "mine"))
    (desk.folder / "mine").mkdir()
    desk.evaluations.forget(elsewhere)
    desk.settle()
    assert (desk.folder / "mine").exists()  # folders of the user are not deleted
    above = Path(summary.folder).parent / ".."
    desk.evaluations.forget(replace(summary, folder=str(above)))
    desk.settle()
    assert above.exists()
    desk.evaluations.forget(summary)
    desk.settle()
    assert not Path(summary.folder).exists()
    assert desk.kept() == []


def test_what_was_to_be_saved_is_saved_when_the_window_closes(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.advance()
    desk.evaluations.close()
    assert desk.evaluations.join(60)
    again = Desk(desk.session.recipe, desk._lent, desk.folder)
    assert [summary.complete for summary in again.kept()] == [True]
    again.close()


def test_an_evaluation_that_closing_ends_is_saved_with_its_answers(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.advance(5)  # the prepared tasks and four answers
    evaluation = desk.evaluations.current
    assert evaluation
    desk.evaluations.close()
    desk.advance()  # the engine's last event comes later
    assert desk.evaluations.join(60)
    report = json.loads((evaluation.folder / "results.json").read_text())
    assert not report["complete"]
    again = Desk(desk.session.recipe, desk._lent, desk.folder)
    (summary,) = again.kept()
    assert sum(result["questions"] for result in report["tasks"][0]["results"]) == 4
    assert not summary.complete
    assert json.loads(summary.results) == report["tasks"]
    again.close()


def test_running_code_must_be_allowed_each_time(desk: Desk, plan: Plan, task: Path) -> None:
    task.write_text(task.read_text().replace("contains", "code"))
    desk.evaluations.start(plan)
    desk.advance()
    assert desk.evaluations.current
    assert "runs model-written programs" in str(desk.evaluations.current.error)


def test_a_damaged_summary_is_reported(desk: Desk, plan: Plan) -> None:
    desk.evaluations.start(plan)
    desk.advance()
    (summary,) = desk.kept()
    desk.evaluations.show(replace(summary, results="[1]"))
    desk.settle()
    assert desk.session.problem
    assert summary.folder in str(desk.session.problem.error)


@pytest.mark.parametrize("stored", ["", "[1]", "{"])
def test_a_damaged_form_is_ignored(desk: Desk, stored: str, tmp_path: Path) -> None:
    memory = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    memory.setValue("evaluate/form", stored)
    desk.evaluations.restore(memory)
    assert desk.evaluations.form == {}


def test_the_form_is_saved(desk: Desk, tmp_path: Path) -> None:
    memory = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    desk.evaluations.form = {"tasks": ["ü"], "limit": 3}
    desk.evaluations.remember(memory)
    desk.evaluations.form = {}
    desk.evaluations.restore(memory)
    assert desk.evaluations.form == {"tasks": ["ü"], "limit": 3}


@pytest.mark.slow
def test_a_directly_tuned_model_is_loaded_beside_the_borrowed_models(
    desk: Desk, plan: Plan, lent: LoadedRecipe
) -> None:
    spec: CheckpointSpec = lent.recipe.pairs[0].expert
    desk.evaluations.start(replace(plan, roles=("base", f"direct={spec.source}"), scales=(1.0,)))
    desk.advance()
    assert [title for title, _, _ in current(desk)] == ["base", "direct"]
