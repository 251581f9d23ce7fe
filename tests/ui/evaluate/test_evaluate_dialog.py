"""The Evaluate view: what can be asked, what is shown, and what a person can do with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from app.checkpoints.recipes.recipe_file import find_recipe
from app.checkpoints.spec import CheckpointSpec
from app.engine.commands import BorrowModels, Generate
from app.evaluation.evaluation_job import EvaluationJob
from app.evaluation.metrics import Measure
from app.evaluation.plan import Plan
from app.evaluation.results import Result, TaskResults
from app.evaluation.task_files import task_file
from app.evaluation.variants import Variant
from app.ui.evaluate.evaluate_dialog import EvaluateDialog
from app.ui.evaluate.evaluate_indicator import EvaluateIndicator
from app.ui.evaluate.question_html import RIGHT, WRONG
from app.ui.evaluate.score_chart import ScoreChart, role_color
from app.ui.theme import DARK, LIGHT
from app.ui.widgets.tab_order import tab_stops
from tests.ui.evaluating import PROMPTS, Desk


@pytest.fixture
def dialog(desk: Desk, qtbot: QtBot) -> EvaluateDialog:
    dialog = EvaluateDialog(desk.session)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def ask(dialog: EvaluateDialog, task: Path, scales: str = "0.5, 1") -> None:
    dialog.form.tasks.choose([str(task)], {})
    dialog.form.scales.setText(scales)
    dialog.form.limit.setValue(0)


def cells(dialog: EvaluateDialog) -> list[list[str]]:
    model = dialog.results.model
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def questions(dialog: EvaluateDialog) -> list[str]:
    model = dialog.questions.model
    return [model.index(row, 1).data() for row in range(model.rowCount())]


def plan_of(desk: Desk) -> Plan:
    command = desk.bridge.last(BorrowModels)
    assert isinstance(command, BorrowModels)
    assert isinstance(command.job, EvaluationJob)
    return command.job.plan


def test_what_is_missing_is_said(dialog: EvaluateDialog, task: Path) -> None:
    assert not dialog.start.isEnabled()
    assert "Check a task" in dialog._missing.text()
    ask(dialog, task)
    assert dialog.start.isEnabled()
    dialog.form.scales.setText("a")
    assert not dialog.start.isEnabled()
    assert "α scales" in dialog._missing.text()
    dialog.form.scales.setText("1")
    for _, box in dialog.form._roles:
        box.setChecked(False)
    assert "Check a role" in dialog._missing.text()
    dialog.form.direct.setText("/models/direct")
    assert dialog.start.isEnabled()


def test_a_recipe_on_a_server_is_evaluated_in_the_terminal(
    dialog: EvaluateDialog, desk: Desk, task: Path
) -> None:
    ask(dialog, task)
    assert dialog.start.isEnabled()
    base = CheckpointSpec("endpoint:http://gpu:8000/v1", tuned=True)
    desk.session.open_recipe(replace(desk.session.recipe, base=base))
    assert not dialog.start.isEnabled()
    said = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert any("tuneshift eval --recipe" in text for text in said)


def test_the_plan_is_what_the_fields_say(dialog: EvaluateDialog, desk: Desk, task: Path) -> None:
    ask(dialog, task)
    dialog.form.limit.setValue(2)
    dialog.form.batch.setValue(3)
    dialog.form.direct.setText("hub:me/direct")
    dialog.start.click()
    assert plan_of(desk) == Plan(
        (str(task),),
        ("base", "expert:Style", "expert:Mood", "tuned", "direct=hub:me/direct"),
        (0.5, 1.0),
        limit=2,
        batch_size=3,
    )
    assert not dialog.form.isEnabled()


def test_programs_are_run_only_where_a_person_says_so(
    dialog: EvaluateDialog, desk: Desk, tmp_path: Path
) -> None:
    form = dialog.form
    assert not form.allow_code.isVisible()
    form.tasks.choose(["humaneval-zero-shot"], {"humaneval-zero-shot": str(tmp_path / "x.jsonl")})
    assert form.allow_code.isVisible()
    assert not form.allow_code.isChecked()
    assert not dialog.start.isEnabled()
    form.allow_code.setChecked(True)
    dialog.start.click()
    assert plan_of(desk).allow_code
    assert plan_of(desk).data == (f"humaneval-zero-shot={tmp_path / 'x.jsonl'}",)
    assert "allow_code" not in desk.evaluations.form
    form.tasks.choose([], {})
    assert not form.plan().allow_code


@pytest.mark.slow
def test_scores_and_chart_follow(
    dialog: EvaluateDialog, desk: Desk, task: Path, qtbot: QtBot
) -> None:
    ask(dialog, task, "1")
    dialog.start.click()
    desk.advance(3)
    assert dialog.stop.isVisible()
    assert (dialog.progress.value(), dialog.progress.maximum()) == (2, 16)
    qtbot.waitUntil(lambda: [row[0] for row in cells(dialog)] == ["base"])
    assert "2 of 16 answers" in dialog.message.message
    desk.advance()
    titles = [row[0] for row in cells(dialog)]
    assert titles == ["base", "expert “Style”", "expert “Mood”", "tuned"]
    assert [row[3] for row in cells(dialog)] == ["4"] * 4
    assert dialog.results.chart.described.startswith("base 0.")
    assert "Complete" in dialog.message.message
    assert not dialog.resume.isVisible()
    assert dialog.start.isVisible()


def test_names_under_the_bars_do_not_meet(qtbot: QtBot) -> None:
    names = ("Shakespeare", "A name that is longer than any bar is wide, whatever the screen")
    recipe = find_recipe("demo")
    kinds = [("base", "base"), *((f"expert:{name}", "expert") for name in names)]
    views = [Variant(name, recipe, kind) for name, kind in [*kinds, ("tuned", "tuned")]]
    chart = ScoreChart()
    qtbot.addWidget(chart)
    chart.resize(420, 300)
    chart.show()
    results = tuple(Result(view, Measure(0.5, 0.1, 9)) for view in views)
    chart.show_task(TaskResults("task", "exact match", True, results))
    axis = chart._plot.getPlotItem().getAxis("bottom")

    def written() -> list[str]:
        return [name for _, name in axis._tickLevels[0]]

    assert written()[0] == "base"
    assert written()[1].splitlines()[0] == "expert"
    assert written()[2].endswith("…")
    metrics = QFontMetricsF(chart._plot.font())
    room = axis.linkedView().width() / len(views)
    for name in written():
        for line in name.splitlines():
            assert metrics.horizontalAdvance(line) < room
    qtbot.waitUntil(lambda: axis.height() > 2 * metrics.height())
    chart.resize(1600, 300)
    qtbot.waitUntil(lambda: written()[1] == "expert “Shakespeare”")


@pytest.mark.slow
def test_several_weights_are_a_curve(dialog: EvaluateDialog, desk: Desk, task: Path) -> None:
    ask(dialog, task, "1.5, 0.5, 1")
    dialog.start.click()
    desk.advance()
    item = dialog.results.chart._plot.getPlotItem()
    curve = next(curve for curve in item.listDataItems() if curve.name() == "tuned")
    places, scores = curve.getData()
    assert list(places) == [0.5, 1.0, 1.5]
    by_title = {row[0]: float(row[1]) for row in cells(dialog)}
    wanted = [by_title["tuned, α × 0.5"], by_title["tuned"], by_title["tuned, α × 1.5"]]
    assert list(scores) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.slow
def test_an_evaluation_stops_and_resumes(dialog: EvaluateDialog, desk: Desk, task: Path) -> None:
    ask(dialog, task)
    dialog.start.click()
    desk.advance(4)
    dialog.stop.click()
    assert dialog.message.message == "Stopping …"
    desk.advance()
    assert "Stopped" in dialog.message.message
    assert dialog.resume.isVisible()
    dialog.resume.click()
    desk.advance()
    assert "Complete" in dialog.message.message


def test_an_error_says_what_to_do(dialog: EvaluateDialog, desk: Desk) -> None:
    dialog.form.tasks.choose(["gsm8k-zero-shot"], {"gsm8k-zero-shot": "/nowhere.jsonl"})
    dialog.start.click()
    desk.advance()
    assert "/nowhere.jsonl" in dialog.message.message
    assert not dialog.resume.isVisible()  # there is nothing to go on with
    assert dialog.message.property("role") == "error"
    assert dialog.start.isEnabled()


def answered(dialog: EvaluateDialog, desk: Desk, task: Path, scales: str = "0.5, 1") -> None:
    ask(dialog, task, scales)
    dialog.start.click()
    desk.advance()
    dialog.tabs.setCurrentWidget(dialog.questions)


@pytest.mark.slow
def test_questions_have_everyones_answers(dialog: EvaluateDialog, desk: Desk, task: Path) -> None:
    answered(dialog, desk, task)
    assert questions(dialog) == [prompt.removeprefix("Q: ") for prompt in PROMPTS]
    current = desk.evaluations.current
    assert current
    for row in range(4):
        dialog.questions.table.go_to(row)
        text = dialog.questions.text.toPlainText()
        assert PROMPTS[row] in text
        for place, view in enumerate(current.prepared.variants if current.prepared else ()):
            (record,) = [r for r in current.of("mine", view.title) if r["index"] == row]
            assert record["output"][0].strip() in text
            mark = dialog.questions.model.index(row, 2 + place).data()
            assert mark == (RIGHT if record["value"] else WRONG)


@pytest.mark.slow
def test_questions_are_filtered(dialog: EvaluateDialog, desk: Desk, task: Path) -> None:
    answered(dialog, desk, task, "1")
    current = desk.evaluations.current
    assert current
    base, tuned = (
        {record["index"]: record["value"] for record in current.of("mine", title)}
        for title in ("base", "tuned")
    )
    for kept, wanted in (
        ("gained", [at for at in base if tuned[at] > base[at]]),
        ("lost", [at for at in base if tuned[at] < base[at]]),
        ("wrong", [at for at in base if tuned[at] < 1]),
    ):
        dialog.questions.filter.setCurrentIndex(dialog.questions.filter.findData(kept))
        assert questions(dialog) == [PROMPTS[at].removeprefix("Q: ") for at in sorted(wanted)]


@pytest.mark.slow
def test_a_tuned_answer_is_opened_with_its_weights(
    dialog: EvaluateDialog, desk: Desk, task: Path, qtbot: QtBot
) -> None:
    answered(dialog, desk, task)
    questions = dialog.questions
    questions.table.go_to(1)
    questions.whose.setCurrentIndex(questions.whose.findData("tuned ×0.5"))
    desk.session.set_alpha(1, 5.0)
    questions.inspect.click()
    command = desk.bridge.last(Generate)
    assert isinstance(command, Generate)
    current = desk.evaluations.current
    assert current
    (record,) = [r for r in current.of("mine", "tuned ×0.5") if r["index"] == 1]
    assert (command.prompt, command.text) == (PROMPTS[1], record["output"][0])
    assert command.alphas.latest == pytest.approx((0.4, 0.75))
    assert not questions.inspect.isEnabled()  # until it has been read
    assert not dialog.isVisible()  # the text is in the window below
    again = EvaluateDialog(desk.session)
    qtbot.addWidget(again)
    again.show()
    assert again.tabs.currentWidget() is again.questions
    assert PROMPTS[1] in again.questions.text.toPlainText()


@pytest.mark.slow
def test_classes_of_tokens_are_counted(dialog: EvaluateDialog, desk: Desk, task: Path) -> None:
    answered(dialog, desk, task)
    dialog.tabs.setCurrentWidget(dialog.tokens)
    tokens = dialog.tokens
    assert [tokens.choice.itemText(at) for at in range(tokens.choice.count())] == [
        "mine: tuned, α × 0.5",
        "mine: tuned",
    ]
    tokens.choice.setCurrentIndex(1)
    model = tokens.model
    rows = [[model.index(r, c).data() for c in range(3)] for r in range(model.rowCount())]
    desk.settle()
    report = json.loads((desk.evaluations.current.folder / "results.json").read_text())  # type: ignore[union-attr]
    result = next(r for r in report["tasks"][0]["results"] if r["alpha_scale"] == 1.0)
    assert rows[-1] == [
        "all",
        f"{result['shifts']['all']['tokens']:,}",
        f"{result['shifts']['all']['mean_shift']:+.4f}",
    ]
    assert sum(int(row[1].replace(",", "")) for row in rows[:-1]) == int(rows[-1][1])


@pytest.mark.slow
def test_a_past_one_is_opened_and_removed(
    dialog: EvaluateDialog, desk: Desk, task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(dialog, desk, task)
    desk.evaluations.clear()
    dialog.tabs.setCurrentWidget(dialog.past)
    desk.settle()
    past = dialog.past
    assert past.model.rowCount() == 1
    assert not past.open_one.isEnabled()
    past.table.go_to(0)
    past.open_one.click()
    desk.settle()
    assert dialog.tabs.currentWidget() is dialog.results
    assert cells(dialog)
    assert dialog.form.tasks.checked[0].name == str(task)
    dialog.tabs.setCurrentWidget(dialog.past)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    past.table.go_to(0)
    past.remove.click()
    desk.settle()
    assert past.model.rowCount() == 0
    assert desk.evaluations.current is None


def test_the_form_comes_back(dialog: EvaluateDialog, desk: Desk, task: Path, qtbot: QtBot) -> None:
    ask(dialog, task, "0.5,2")
    dialog.form.limit.setValue(7)
    dialog.form._roles[1][1].setChecked(False)
    again = EvaluateDialog(desk.session)
    qtbot.addWidget(again)
    assert again.form.plan() == dialog.form.plan()


def test_roles_follow_the_recipe(dialog: EvaluateDialog, desk: Desk) -> None:
    recipe = desk.session.recipe
    desk.session.open_recipe(replace(recipe, pairs=recipe.pairs[:1]))
    assert [name for name, _ in dialog.form._roles] == ["base", "expert", "antiexpert", "tuned"]
    boxes = [box for _, box in dialog.form._roles]
    QApplication.processEvents()  # the boxes are new
    stops = tab_stops(dialog.form)
    first = stops.index(boxes[0])
    assert stops[first : first + len(boxes)] == boxes
    assert first < stops.index(dialog.form.direct)


def test_tasks_of_the_harness_are_found(
    dialog: EvaluateDialog, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = dialog.form.tasks
    monkeypatch.setattr("app.ui.evaluate.task_list.harness_names", lambda: ["arc_easy", "gsm8k"])
    qtbot.keyClicks(tasks.search, "gsm")
    qtbot.waitUntil(lambda: tasks._names.rowCount() == 2)
    qtbot.keyClick(tasks.search, Qt.Key.Key_Return)
    assert tasks.checked == []
    assert "gsm" in tasks._hint.text()
    tasks.search.setText("gsm8k")
    qtbot.keyClick(tasks.search, Qt.Key.Key_Return)
    assert [task.name for task in tasks.checked] == ["gsm8k"]
    assert tasks.search.text() == ""
    qtbot.keyClick(tasks.tasks, Qt.Key.Key_Delete)
    assert tasks.checked == []


def test_shipped_tasks_say_that_they_need_data(dialog: EvaluateDialog, qtbot: QtBot) -> None:
    tasks = dialog.form.tasks
    tasks.check("gsm8k-zero-shot")
    assert "required" in tasks.data.placeholderText()
    assert "gsm8k-zero-shot needs a data file" in dialog._missing.text()
    tasks.data.setText("")
    qtbot.keyClicks(tasks.data, "/data/test.jsonl")
    assert dialog.start.isEnabled()
    assert task_file("gsm8k-zero-shot") is not None


@pytest.mark.parametrize("installed", [True, False])
def test_how_to_get_the_harness_is_said(
    desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr("app.ui.evaluate.task_list.is_installed", lambda: installed)
    dialog = EvaluateDialog(desk.session)
    qtbot.addWidget(dialog)
    assert dialog.form.tasks.search.isEnabled() is installed
    assert ("pip install" in dialog.form.tasks._hint.text()) is not installed


@pytest.mark.slow
def test_the_status_bar_says_how_far_it_is(desk: Desk, plan: Plan, qtbot: QtBot) -> None:
    indicator = EvaluateIndicator(desk.session)
    qtbot.addWidget(indicator)
    assert indicator.isHidden()
    desk.evaluations.start(plan)
    assert indicator.text() == "Evaluating"
    desk.advance(4)
    assert not indicator.isHidden()
    assert indicator.text().startswith("Evaluating: 25%, ")
    desk.advance()
    assert indicator.isHidden()


def test_every_role_has_a_colour_of_its_own(qtbot: QtBot) -> None:
    recipe = find_recipe("demo")
    kinds = [("base", "base"), ("e1", "expert"), ("a1", "antiexpert")]
    kinds += [("e2", "expert"), ("a2", "antiexpert")]
    variants = [Variant(name, recipe, kind, at) for at, (name, kind) in enumerate(kinds)]
    variants += [Variant("tuned", recipe, "tuned"), Variant("direct", recipe, "checkpoint")]
    for theme in (LIGHT, DARK):
        colors = [role_color(variant, theme).name() for variant in variants]
        assert len(set(colors)) == len(colors)
        assert colors[1] == theme.pair_color(0).name()
        assert colors[3] == theme.pair_color(1).name()
