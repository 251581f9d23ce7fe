"""Trainings in a process of their own: kills, requests, and what the program sees of them."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from app.checkpoints.devices import resolve_device
from app.training.data.split import Split
from app.training.data.training_files import CHECKPOINTS, LOG, WRITTEN
from app.training.messages.training_events import (
    LAST,
    Abandoned,
    Event,
    Failed,
    HeldOutLoss,
    Judged,
    Paused,
    Step,
    Trained,
)
from app.training.plan.training_plan import TrainingPlan
from app.training.process.training_child import run_and_report
from app.training.process.training_folder import TrainingFolder
from app.training.process.training_process import TrainingProcess
from tests.training.conftest import Recorder, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),  # processes that import torch, on a machine that may be busy
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),  # in PEFT
]
_WAIT_SECONDS = 60.0


def events_of(process: TrainingProcess) -> Iterator[Event]:
    while not process.has_ended:
        yield from process.events(_WAIT_SECONDS)


def ended_by(number: int, folder: TrainingFolder, kind: type[Step | HeldOutLoss], at: int) -> Event:
    """The last event of a training whose process gets a signal at an event of a step."""
    with closing(TrainingProcess(folder)) as process:
        for event in events_of(process):
            if isinstance(event, kind) and event.step == at:
                assert process.process_id is not None
                os.kill(process.process_id, number)
    return event


@pytest.mark.kill
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_training_that_was_killed_goes_on_and_ends_the_same(
    trained: tuple[TrainingFolder, Recorder], plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = started(tmp_path / "run", plan, split)
    event = ended_by(signal.SIGKILL, folder, HeldOutLoss, 12)
    assert isinstance(event, Failed)
    assert "“Go on”, or the same command again, goes on" in event.next_step
    with closing(TrainingProcess(folder)) as process:
        found = list(events_of(process))
    steps = [event.step for event in found if isinstance(event, Step)]
    assert steps[0] > 8
    assert isinstance(found[-1], Judged)
    name = "adapter_model.safetensors"
    uninterrupted, own = (load_file(each.adapter / name) for each in (trained[0], folder))
    for key, tensor in own.items():
        assert torch.equal(tensor, uninterrupted[key]), key
    folder.put_off()
    names = {path.name for path in folder.path.iterdir() if not path.name.startswith(".")}
    assert names - {CHECKPOINTS} == set(WRITTEN) - {CHECKPOINTS}  # which are removed at the end


@pytest.mark.process
def test_requests_reach_the_process(plan: TrainingPlan, split: Split, tmp_path: Path) -> None:
    longer = replace(plan, settings=replace(plan.settings, epochs=400, patience=9_999))
    folder = started(tmp_path / "run", longer, split)
    seen: list[Event] = []
    with closing(TrainingProcess(folder)) as process:
        for event in events_of(process):
            if isinstance(event, Step) and not seen:
                process.pause()
            elif isinstance(event, Paused):
                process.go_on()
                process.stop()
            elif isinstance(event, Trained):
                process.abandon()
            if isinstance(event, (Step, Paused, Trained, *LAST)):
                seen.append(event)
    kinds = [type(event) for event in seen]
    assert Paused in kinds
    (ended,) = (event for event in seen if isinstance(event, Trained))
    assert ended.stopped
    assert ended.steps < 2_000
    assert seen[-1] == Abandoned(trained=True)


@pytest.mark.process
def test_the_log_of_another_process_is_kept(
    plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = started(tmp_path / "run", plan, split)
    (folder.path / LOG).write_text("its last words\n")
    with folder.lock(), closing(TrainingProcess(folder)) as process:
        failed = list(events_of(process))[-1]
    assert isinstance(failed, Failed)
    assert "Another training is writing" in failed.cause
    assert (folder.path / LOG).read_text().startswith("its last words\n")


class OutOfMemory(Recorder):
    """Memory runs out at the first event."""

    def send(self, event: Event) -> None:
        super().send(event)
        if len(self.events) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.mark.unit
def test_where_memory_ran_out_the_next_step_can_be_taken(
    plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    recorder = OutOfMemory()
    run_and_report(started(tmp_path / "run", plan, split), recorder)
    failed = recorder.events[-1]
    assert isinstance(failed, Failed)
    assert f"The memory of {resolve_device(plan.small.device)}" in failed.cause
    assert "into another folder" in failed.next_step
    started(tmp_path / "run", plan, split, batch_rows=1)  # the same training, with less memory


class FullDisk(Recorder):
    """The disk is full at the first event."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def send(self, event: Event) -> None:
        super().send(event)
        if len(self.events) == 1:
            raise self._error


@pytest.mark.unit
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),
        RuntimeError("PytorchStreamWriter failed writing file data/1: file write failed"),
    ],
)
def test_where_the_disk_is_full_that_is_said(
    plan: TrainingPlan, split: Split, tmp_path: Path, error: Exception
) -> None:
    recorder = FullDisk(error)
    run_and_report(started(tmp_path / "run", plan, split), recorder)
    failed = recorder.events[-1]
    assert isinstance(failed, Failed)
    assert failed.cause == f"The disk of {tmp_path / 'run'} is full"
    assert failed.next_step.startswith("Free some disk space.")
    with pytest.raises(ValueError, match="a defect"):
        run_and_report(started(tmp_path / "other", plan, split), FullDisk(ValueError("a defect")))


@pytest.mark.unit
def test_an_error_becomes_the_last_event(plan: TrainingPlan, split: Split, tmp_path: Path) -> None:
    missing = replace(plan, small=replace(plan.small, source=f"folder:{tmp_path / 'none'}"))
    recorder = Recorder()
    run_and_report(started(tmp_path / "run", missing, split), recorder)
    failed = recorder.events[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed, LAST)
    assert "There is no folder" in failed.cause


def test_a_crash_is_told_with_its_status_and_the_last_line_of_the_log(
    plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = started(tmp_path / "run", plan, split)
    (folder.path / CHECKPOINTS).write_text("not a folder")
    with closing(TrainingProcess(folder)) as process:
        *_, event = events_of(process)
    assert isinstance(event, Failed)
    assert "exit status is 1; the last line of its log: FileExistsError" in event.evidence
    assert "“Go on”, or the same command again, goes on" in event.next_step


@pytest.mark.kill
@pytest.mark.skipif(not hasattr(signal, "SIGABRT"), reason="needs signals")
def test_a_signal_that_ends_the_process_is_named(
    plan: TrainingPlan, split: Split, tmp_path: Path
) -> None:
    folder = started(tmp_path / "run", plan, split)
    event = ended_by(signal.SIGABRT, folder, Step, 1)
    assert isinstance(event, Failed)
    assert "by the signal SIGABRT" in event.evidence
