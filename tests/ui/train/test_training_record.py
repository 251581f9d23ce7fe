"""What the window knows of a training, from its events and from what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.training.judging.verdict import verdict_of
from app.training.messages.training_events import (
    Abandoned,
    Doing,
    Failed,
    HeldOutLoss,
    Judging,
    Paused,
    Phase,
    Request,
    Sample,
    Step,
)
from app.training.plan.training_plan import TrainingPlan
from app.training.process.stored_trainings import new_folder, stored_trainings
from app.training.process.training_folder import TrainingFolder
from app.ui.state.training.training_record import TrainingRecord, TrainingStage, record_of
from app.ui.train.train_words import progress_words
from tests.training.conftest import Recorder

pytestmark = [
    pytest.mark.window,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),  # in PEFT
]


def test_a_record_follows_a_training_to_its_verdict(
    plan: TrainingPlan, trained: tuple[TrainingFolder, Recorder]
) -> None:
    folder, recorder = trained
    record = TrainingRecord(folder, plan)
    stages = []
    for event in recorder.events:
        record.take(event)
        if not stages or stages[-1] is not record.stage:
            stages.append(record.stage)
    assert stages == [
        TrainingStage.LOADING,
        TrainingStage.TRAINING,
        TrainingStage.JUDGING,
        TrainingStage.JUDGED,
    ]
    steps = [event for event in recorder.events if isinstance(event, Step)]
    assert record.losses == {event.step: event.loss for event in steps}
    assert record.step == record.steps == len(steps)
    assert set(record.samples) == set(record.held_out)
    assert record.best is not None
    assert record.trained is not None
    assert record.best.loss == pytest.approx(record.trained.best_loss)
    assert record.verdict == verdict_of(json.loads((folder.path / "verdict.json").read_text()))
    assert not record.active
    assert not record.can_go_on


def test_every_tuned_score_has_its_gain_over_the_base(
    trained: tuple[TrainingFolder, Recorder],
) -> None:
    folder, _ = trained
    values = folder.verdict()
    assert values is not None
    bits = verdict_of(values).bits
    (base,) = (scores for scores in bits.scores if scores.variant == "base")
    assert base.gain is None
    for scores in bits.scores:
        if scores.gain:
            assert scores.gain.value == pytest.approx(base.judging - scores.judging)
    (chosen,) = (each for each in bits.scores if each.alpha == verdict_of(values).alpha)
    assert chosen.gain == bits.gain


def test_a_verdict_of_before_has_no_gains(trained: tuple[TrainingFolder, Recorder]) -> None:
    values = trained[0].verdict()
    assert values is not None
    for scores in values["bits"]["scores"]:
        del scores["gain"]
    assert all(scores.gain is None for scores in verdict_of(values).bits.scores)


def test_the_course_is_kept_in_the_folder(plan: TrainingPlan, tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)
    for step in (1, 2, 3):
        folder.note(Step(step, 9, 2.0 / step, None))
    folder.note(HeldOutLoss(2, 1.5, True))
    folder.note(Sample(2, "the king", " said"))
    folder.note(Step(3, 9, 0.5, 4.0))  # after a kill, from the checkpoint of step 2
    with (tmp_path / "course.jsonl").open("ab") as file:
        file.write(b'{"event": "Step", "st')  # a kill while it was written
    record = TrainingRecord(folder, plan, TrainingStage.INTERRUPTED)
    record.follow(folder.course())
    assert record.losses == {1: 2.0, 2: 1.0, 3: 0.5}
    assert record.best == HeldOutLoss(2, 1.5, True)
    assert record.samples[2].text == " said"
    assert record.stage is TrainingStage.INTERRUPTED
    assert record.seconds_left is None


def test_pauses_interruptions_and_errors_are_stages(plan: TrainingPlan, tmp_path: Path) -> None:
    record = TrainingRecord(TrainingFolder(tmp_path), plan)
    record.take(Phase("Training"))
    record.take(Paused(3))
    assert record.stage is TrainingStage.PAUSED
    assert record.active
    record.take(Abandoned(False))
    assert record.stage is TrainingStage.INTERRUPTED
    assert record.can_go_on
    record.begin()
    assert record.stage is TrainingStage.LOADING
    record.take(Failed("No memory", "it is full", "Close programs."))
    assert record.stage is TrainingStage.FAILED
    assert record.error is not None
    assert record.error.cause == "No memory"


def test_what_was_asked_is_told_until_it_is_done(plan: TrainingPlan, tmp_path: Path) -> None:
    record = TrainingRecord(TrainingFolder(tmp_path), plan)
    record.take(Phase(Doing.TRAINING))
    record.ask(Request.PAUSE)
    assert progress_words(record).endswith("· pausing after this step …")
    record.take(Step(1, 20, 2.5, 60.0))
    assert progress_words(record) == "Step 1 of 20 · loss 2.500 · pausing after this step …"
    record.take(Paused(1))
    assert progress_words(record) == "Step 1 of 20 · loss 2.500 · paused"
    record.take(Step(2, 20, 2.25, 54.0))
    assert "pausing" not in progress_words(record)
    record.ask(Request.PAUSE)
    record.ask(Request.GO_ON)
    assert "pausing" not in progress_words(record)
    record.ask(Request.STOP)
    assert "stopping after this step" in progress_words(record)
    record.stage = TrainingStage.JUDGING
    record.ask(Request.ABANDON)
    record.take(Judging(3, 9, 5.0))
    assert progress_words(record) == "Judging: 3 of 9 answers · ending …"
    record.take(Abandoned(False))
    assert "ending" not in progress_words(record)
    record.begin()
    assert "ending" not in progress_words(record)


def test_trainings_on_the_disk_are_found(
    trained: tuple[TrainingFolder, Recorder], tmp_path: Path
) -> None:
    folder, _ = trained
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "training.json").write_text("{")
    assert stored_trainings(tmp_path) == []
    (found,) = stored_trainings(folder.path.parent)
    assert found.folder == folder
    assert found.verdict is not None
    record = record_of(found)
    assert record.stage is TrainingStage.JUDGED
    assert new_folder(folder.path.parent, folder.path.name).path.name == f"{folder.path.name}-2"
