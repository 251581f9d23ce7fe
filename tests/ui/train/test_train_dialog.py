"""The dialog that makes an expert: what it asks, what it shows, and what a person can do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import CheckpointSpec
from app.training.judging.verdict import Outcome
from app.training.messages.training_events import Failed, Judged, Step, Trained
from app.training.plan.training_plan import TrainingPlan
from app.training.process.training_child import GOES_ON
from app.training.process.training_folder import TrainingFolder
from app.ui.state.session import Session
from app.ui.state.training.training_record import TrainingRecord, TrainingStage
from app.ui.state.training.window_trainings import Trainings
from app.ui.train.tour_words import TOUR_BASE, TOUR_DATA, TOUR_SMALL
from app.ui.train.train_dialog import TrainDialog
from app.ui.train.train_indicator import TrainIndicator
from app.ui.train.train_opener import dropped_texts
from app.ui.train.training_bar import TrainingBar
from app.ui.train.verdict_words import verdict_sentence, worse_words
from app.ui.widgets.tab_order import tab_stops
from tests import tiny
from tests.training.conftest import Recorder

pytestmark = [
    pytest.mark.window,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),  # in PEFT
]


@pytest.fixture
def dialog(small_session: Session, trainings: Trainings, qtbot: QtBot) -> TrainDialog:
    """The dialog after its search for models."""
    made = TrainDialog(small_session)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: not small_session.local_models.searching)
    return made


def record_of(
    plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder], until: type = Judged
) -> TrainingRecord:
    """A record of the recorded training, up to the first event of a kind."""
    folder, recorder = trained
    record = TrainingRecord(folder, plan)
    for event in recorder.events:
        record.take(event)
        if isinstance(event, until):
            break
    return record


def show(dialog: TrainDialog, record: TrainingRecord) -> None:
    trainings = dialog._trainings
    trainings.current = record
    trainings.changed.emit()


def prepared(dialog: TrainDialog, data: Path, qtbot: QtBot) -> None:
    """Give data, and wait until they were read."""
    dialog.form.data.setText(str(data))
    qtbot.waitUntil(lambda: dialog.start.isEnabled())


def test_the_base_of_the_recipe_and_a_small_model_are_proposed(
    dialog: TrainDialog, llama: tiny.Family
) -> None:
    assert dialog.form.base.currentData() == tiny.spec(llama.base).source
    assert dialog.form.small.currentData() == tiny.spec(llama.antiexpert).source
    assert "same tokenizer" in dialog.form.small_line.message
    assert "drop it here" in dialog._missing.message
    assert not dialog.start.isEnabled()
    assert "Nothing leaves the machine" in dialog.preview.toPlainText()


def test_data_are_read_and_shown_as_the_model_reads_them(
    dialog: TrainDialog, data: Path, qtbot: QtBot
) -> None:
    prepared(dialog, data, qtbot)
    shown = dialog.preview.toPlainText()
    assert "60 documents" in shown
    assert "letters.jsonl, line" in shown
    assert "thou art long" in shown
    assert "steps of" in dialog._missing.message
    dialog.form.more._numbers["rank"].setValue(4)
    assert not dialog.start.isEnabled(), "other settings are prepared first"
    qtbot.waitUntil(lambda: dialog.start.isEnabled())
    assert dialog._trainings.preparation is not None
    assert dialog._trainings.preparation.plan.settings.rank == 4


def test_texts_may_be_what_to_steer_away_from(
    dialog: TrainDialog, data: Path, qtbot: QtBot
) -> None:
    dialog.form.negative.setChecked(True)
    prepared(dialog, data, qtbot)
    preparation = dialog._trainings.preparation
    assert preparation is not None
    assert preparation.plan.negative
    dialog.form.negative.setChecked(False)
    assert not dialog.start.isEnabled(), "the plan is another one"
    qtbot.waitUntil(lambda: dialog.start.isEnabled())
    assert not dialog._trainings.preparation.plan.negative


def test_what_is_wrong_with_the_data_is_said(
    dialog: TrainDialog, tmp_path: Path, qtbot: QtBot
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    dialog.form.data.setText(str(bad))
    qtbot.waitUntil(lambda: "does not name its columns" in dialog.preview.toPlainText())
    assert not dialog.start.isEnabled()
    dialog.form.more.match.setText("(")
    assert "no regular expression" in dialog.form.missing


def test_what_is_missing_now_is_said_although_nothing_could_be_read_before(
    dialog: TrainDialog, data: Path
) -> None:
    dialog.form.more.match.setText("(")
    assert "drop it here" in dialog._missing.message
    dialog.form.data.setText(str(data))
    assert "no regular expression" in dialog._missing.message


def test_the_base_of_a_recipe_that_is_opened_meanwhile_is_proposed(
    dialog: TrainDialog, small_session: Session
) -> None:
    shown = dialog.form.base.currentData()
    other = next(one.source for one in dialog._assistant.bases if one.source != shown)
    small_session.open_recipe(replace(small_session.recipe, base=CheckpointSpec(other)))
    assert dialog.form.base.currentData() == other


def test_a_training_that_is_about_to_start_is_not_that_before_it(
    dialog: TrainDialog,
    small_session: Session,
    plan: TrainingPlan,
    trained: tuple[TrainingFolder, Recorder],
    qtbot: QtBot,
) -> None:
    indicator = TrainIndicator(small_session)
    qtbot.addWidget(indicator)
    trainings, record = small_session.trainings, record_of(plan, trained, Trained)
    trainings._active = True
    show(dialog, record)
    assert "Judging" in indicator.text()
    assert dialog.cancel.isVisible()
    trainings._active, trainings._starting = False, True
    show(dialog, record_of(plan, trained))
    assert indicator.text() == "Training: starting …"
    assert dialog.message.message == "Starting …"
    assert not dialog.cancel.isVisible()
    trainings._starting = False


def test_a_running_training_shows_its_course(
    dialog: TrainDialog, plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    record = record_of(plan, trained, Trained)
    record.stage = TrainingStage.TRAINING
    dialog._trainings._active = True
    show(dialog, record)
    assert dialog.tabs.currentWidget() is dialog.course
    assert not dialog.form.isEnabled()
    assert dialog.pause.isEnabled()
    assert dialog.stop.isVisible()
    assert dialog.cancel.isVisible()
    assert not dialog.start.isVisible()
    places, losses = dialog.course.plot._steps.getData()
    assert list(places) == sorted(record.losses)
    assert list(losses) == [record.losses[place] for place in places]
    assert record.best is not None
    assert list(dialog.course.plot._best.getData()[0]) == [record.best.step]
    samples = dialog.course.samples.toPlainText()
    assert samples.index(f"after step {max(record.samples)}") < samples.index("after step 0")
    assert f"Step {record.step} of {record.steps}" in dialog.message.message
    dialog._trainings._active = False


def test_a_training_of_an_earlier_session_fills_the_form(
    dialog: TrainDialog, plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    record = record_of(plan, trained, until=Step)
    dialog._trainings._active = True
    show(dialog, record)
    form = dialog.form
    assert form.name.text() == plan.name
    assert form.base.currentData() == plan.base.source
    assert form.small.currentData() == plan.small.source
    assert form.data.placeholderText() == plan.data
    dialog._trainings._active = False
    show(dialog, record)
    assert "your texts" in form.data.placeholderText()
    assert "Choose a folder or a file" in dialog._missing.message


def test_the_axis_of_losses_has_no_numbers_before_the_first_loss(
    dialog: TrainDialog, plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    axis = dialog.course.plot._plot.getAxis("left")
    dialog.course.show_record(TrainingRecord(trained[0], plan))
    assert not axis.style["showValues"]
    dialog.course.show_record(record_of(plan, trained, until=Step))
    assert axis.style["showValues"]


def test_pause_and_go_on_keep_the_focus_for_the_next_press_of_the_space_bar(
    dialog: TrainDialog, plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    record = record_of(plan, trained, Trained)
    dialog._trainings._active = True
    dialog.start.setFocus()
    record.stage = TrainingStage.TRAINING
    show(dialog, record)
    assert dialog.focusWidget() is dialog.tabs.tabBar()
    dialog.pause.setFocus()
    record.stage = TrainingStage.PAUSED
    show(dialog, record)
    assert dialog.focusWidget() is dialog.go_on
    record.stage = TrainingStage.TRAINING
    show(dialog, record)
    assert dialog.focusWidget() is dialog.pause
    dialog._trainings._active = False


def test_a_training_that_crashed_says_how_it_goes_on(
    dialog: TrainDialog, plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    record = record_of(plan, trained, until=Step)
    record.take(Failed("The process ended by itself", "by the signal SIGABRT", GOES_ON))
    show(dialog, record)
    assert "SIGABRT). “Go on”" in dialog.message.message
    assert not dialog.go_on.isHidden()
    assert dialog.go_on.property("role") == "primary"
    assert dialog.start.property("role") == ""  # it would begin another training


def test_a_verdict_is_a_sentence_a_chart_and_all_scores(
    dialog: TrainDialog, plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    record = record_of(plan, trained)
    show(dialog, record)
    verdict = record.verdict
    assert verdict is not None
    assert dialog.tabs.currentWidget() is dialog.verdict
    assert dialog.verdict.sentence.message == verdict_sentence(verdict)
    model = dialog.verdict.model
    names = [model.index(row, 0).data() for row in range(model.rowCount())]
    assert names == [
        "base",
        "small model with its adapter",
        *(f"tuned, α = {alpha}" for alpha in ("0.25", "0.5", "1", "1.5", "2")),
    ]
    for row, scores in enumerate(verdict.bits.scores):
        assert model.index(row, 3).data() == f"{scores.judging:.4f}"
    described = dialog.verdict.chart.accessibleDescription()
    assert described.count("95%") == 6
    assert dialog.verdict.use.isEnabled()


def test_the_gain_of_an_anti_expert_is_that_texts_are_less_probable(
    dialog: TrainDialog, plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    record = record_of(plan, trained)
    axis = dialog.verdict.chart._plot.getAxis("left")
    show(dialog, record)
    assert axis.labelText == "gain, bits per byte"
    assert record.verdict is not None
    record.verdict = replace(record.verdict, negative=True, outcome=Outcome.STEERS_AWAY)
    show(dialog, record)
    assert axis.labelText == "less probable, bits per byte"
    assert "such texts have become less probable" in dialog.verdict.sentence.message


def test_every_outcome_has_its_sentence(
    plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    verdict = record_of(plan, trained).verdict
    assert verdict is not None
    said = {verdict_sentence(replace(verdict, outcome=outcome)) for outcome in Outcome}
    assert len(said) == len(Outcome)
    assert all(f"on {verdict.documents} held-out documents" in each for each in said)


def test_a_training_that_made_the_small_model_worse_says_so(
    dialog: TrainDialog, plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    record = record_of(plan, trained)
    assert record.trained is not None
    assert worse_words(record.trained) == ""
    record.trained = replace(record.trained, first_loss=1.0, best_loss=1.25, step=8)
    show(dialog, record)
    assert "was 1.000 before, and at best 1.250 after step 8" in dialog.verdict.advice.message


def test_dropped_texts_are_told_from_models(llama: tiny.Family, data: Path) -> None:
    def dropped(*paths: Path) -> QMimeData:
        found = QMimeData()
        found.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        return found

    assert dropped_texts(dropped(data)) == data
    assert dropped_texts(dropped(data.parent)) == data.parent
    assert dropped_texts(dropped(data, data)) is None
    assert dropped_texts(dropped(llama.base)) is None
    assert dropped_texts(dropped(data.parent / "recipe.toml")) is None


def test_data_can_be_dropped_on_the_dialog(dialog: TrainDialog, data: Path) -> None:
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(data))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        dropped,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    dialog.dropEvent(event)
    assert dialog.form.data.text() == str(data)


def test_the_tour_fills_the_form_and_says_what_is_seen(dialog: TrainDialog, qtbot: QtBot) -> None:
    dialog.begin_tour()
    assert dialog.form.data.text() == TOUR_DATA
    assert dialog.form.base.currentData() == TOUR_BASE
    assert dialog.form.small.currentData() == TOUR_SMALL
    assert "1 of 4" in dialog.tour.message
    qtbot.waitUntil(lambda: dialog.start.isEnabled())
    assert "Press “Make the expert”" in dialog.tour.message


def test_the_form_is_kept_while_the_dialog_is_closed(
    dialog: TrainDialog, small_session: Session, data: Path, llama: tiny.Family, qtbot: QtBot
) -> None:
    dialog.form.data.setText(str(data))
    dialog.form.epochs.setValue(3)
    dialog.form.more.show_prompt("Q: {prompt}\nA:")
    dialog._assistant.choose_small(tiny.spec(llama.base).source)
    dialog.close()
    again = TrainDialog(small_session)
    qtbot.addWidget(again)
    assert again.form.data.text() == str(data)
    assert again.form.epochs.value() == 3
    assert again.form.more.prompt == "Q: {prompt}\nA:"
    assert again.form.small.currentData() == tiny.spec(llama.base).source


def test_past_trainings_are_listed_opened_and_removed(
    dialog: TrainDialog,
    plan: TrainingPlan,
    trained: tuple[TrainingFolder, Recorder],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainings = dialog._trainings
    folder, _ = trained
    trainings._root = folder.path.parent
    trainings.refresh()
    qtbot.waitUntil(lambda: dialog.past.model.rowCount() == 1)
    assert dialog.past.model.index(0, 1).data() == plan.name
    dialog.past.table.selectRow(0)
    dialog.past.open_one.click()
    qtbot.waitUntil(lambda: trainings.current is not None)
    assert dialog.tabs.currentWidget() is dialog.verdict
    answer = QMessageBox.StandardButton.No
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answer)
    dialog.past.remove.click()
    assert folder.path.exists()


def test_every_control_is_reached_by_the_keyboard(dialog: TrainDialog, qtbot: QtBot) -> None:
    stops = tab_stops(dialog)
    form = dialog.form
    for widget in (form.data, form.folder, form.file, form.base, form.small, form.fold):
        assert widget in stops
    assert form.more.match not in stops
    form.fold.click()
    assert form.more.match in tab_stops(dialog)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_the_window_tells_of_a_training_that_was_interrupted(
    small_session: Session,
    trainings: Trainings,
    plan: TrainingPlan,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    bar = TrainingBar(small_session)
    indicator = TrainIndicator(small_session)
    for widget in (bar, indicator):
        qtbot.addWidget(widget)
    assert bar.isHidden()
    record = TrainingRecord(TrainingFolder(tmp_path), plan, TrainingStage.INTERRUPTED)
    trainings.notice = record
    trainings.notice_changed.emit()
    assert not bar.isHidden()
    assert bar.text.full_text == f"The training of “{plan.name}” was interrupted."
    assert not bar.go_on.isHidden()
    bar.dismiss.click()
    assert bar.isHidden()
    assert record.folder.is_put_off
    record.begin()
    record.take(Step(3, 12, 2.5, 30.0))
    trainings.current, trainings._active = record, True
    trainings.changed.emit()
    assert indicator.text() == "Training: 25%, 30 s left"
    trainings._active = False
