"""Trainings of the window in a process of their own: pause, interruption, and going on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.settings import Settings
from app.training.data.split import Split
from app.training.plan.training_plan import TrainingPlan
from app.training.process.training_folder import TrainingFolder
from app.ui.state.session import Session
from app.ui.state.training.training_record import TrainingRecord, TrainingStage
from app.ui.state.training.window_trainings import Trainings
from tests import tiny
from tests.ui.conftest import FakeBridge
from tests.ui.train.conftest import prepare, request_of

pytestmark = [pytest.mark.process, pytest.mark.slow]


def current(trainings: Trainings) -> TrainingRecord:
    assert trainings.current is not None
    return trainings.current


def reach(trainings: Trainings, stage: TrainingStage, qtbot: QtBot) -> None:
    """Wait until the training is at a stage."""

    def there() -> bool:
        record = trainings.current
        assert record is None or record.stage is not TrainingStage.FAILED, record.error
        return record is not None and record.stage is stage

    qtbot.waitUntil(there)


def test_a_training_is_paused_goes_on_and_ends_with_a_recipe(
    trainings: Trainings, small_session: Session, data: Path, llama: tiny.Family, qtbot: QtBot
) -> None:
    prepare(trainings, request_of(data, llama, epochs=1000), qtbot)
    trainings.start()
    assert trainings.running
    assert not trainings.can_start
    qtbot.waitUntil(lambda: trainings.current is not None and trainings.current.step > 0)
    trainings.pause()
    reach(trainings, TrainingStage.PAUSED, qtbot)
    paused_at = current(trainings).step
    trainings.go_on()
    qtbot.waitUntil(lambda: current(trainings).step > paused_at)
    trainings.stop()
    reach(trainings, TrainingStage.JUDGED, qtbot)
    record = current(trainings)
    assert record.trained is not None
    assert record.trained.stopped
    assert not trainings.running
    assert trainings.notice is record
    qtbot.waitUntil(lambda: len(trainings.stored) == 1)
    assert trainings.stored[0].verdict == record.verdict
    assert trainings.use()
    opened = small_session.recipe
    assert opened.name == "letters"
    assert opened.pairs[0].expert.source == f"adapter:{record.folder.adapter.resolve()}"
    assert opened.pairs[0].antiexpert.source == tiny.spec(llama.antiexpert).source
    assert record.verdict is not None
    assert opened.alphas == (record.verdict.alpha,)
    trainings.forget(trainings.stored[0])
    qtbot.waitUntil(lambda: trainings.stored == [])
    assert trainings.current is None
    assert not record.folder.path.exists()


def test_closing_the_window_interrupts_a_training_and_the_next_start_offers_it(
    trainings: Trainings,
    data: Path,
    llama: tiny.Family,
    recipe: Recipe,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    prepare(trainings, request_of(data, llama, epochs=1000), qtbot)
    trainings.start()
    qtbot.waitUntil(lambda: trainings.current is not None and trainings.current.step > 2)
    trainings.close()
    assert trainings.join(60)

    session = Session(FakeBridge(), recipe, Settings())  # type: ignore[arg-type]
    later = session.trainings
    later.open(tmp_path / "experts")
    qtbot.waitUntil(lambda: later.notice is not None)
    offered = later.notice
    assert offered is not None
    assert offered.stage is TrainingStage.INTERRUPTED
    made = offered.step
    assert made > 2
    assert len(offered.losses) == made, "the course of before is shown"
    later.take_up_notice()
    assert later.notice is None
    later.go_on()
    qtbot.waitUntil(lambda: current(later).step > made)
    later.cancel()
    reach(later, TrainingStage.INTERRUPTED, qtbot)
    later.close()
    assert later.join(60)

    again = Trainings(session, session)
    again.open(tmp_path / "experts")
    with qtbot.waitSignal(again.listed):
        pass
    assert again.notice is None, "what a person has ended is not offered again"
    assert again.stored[0].verdict is None
    again.close()
    assert again.join(60)


def test_a_training_of_another_program_is_neither_removed_nor_started_again(
    trainings: Trainings,
    small_session: Session,
    plan: TrainingPlan,
    split: Split,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    folder = TrainingFolder(tmp_path / "experts" / "letters")
    folder.begin(plan, split)
    trainings.refresh()
    qtbot.waitUntil(lambda: len(trainings.stored) == 1)
    (stored,) = trainings.stored
    trainings.show(stored)
    qtbot.waitUntil(lambda: trainings.current is not None)
    with folder.lock():
        for action in (trainings.go_on, lambda: trainings.forget(stored)):
            small_session.clear_problem()
            action()
            qtbot.waitUntil(lambda: small_session.problem is not None)
            assert "Another program is training" in small_session.last_error
            assert not trainings.running
            assert current(trainings).folder == folder
            assert current(trainings).can_go_on
            assert folder.read() == (plan, split)
    trainings.forget(stored)
    qtbot.waitUntil(lambda: trainings.stored == [])
    assert not folder.path.exists()


def test_what_cannot_be_used_is_said(
    trainings: Trainings, llama: tiny.Family, tmp_path: Path, qtbot: QtBot
) -> None:
    few = tmp_path / "few.txt"
    few.write_text("the king said")
    trainings.prepare(request_of(few, llama))
    qtbot.waitUntil(lambda: not trainings.preparing)
    assert trainings.problem is not None
    assert "too few documents" in str(trainings.problem)
    assert not trainings.can_start
    trainings.start()
    assert not trainings.running
