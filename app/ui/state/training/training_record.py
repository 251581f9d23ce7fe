"""One training as the window shows it: its course, its stage and its verdict."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import TrainingError, TuneshiftError
from app.training.judging.verdict import Verdict, verdict_of
from app.training.messages.training_events import (
    LAST,
    Abandoned,
    Doing,
    Event,
    Failed,
    HeldOutLoss,
    Judged,
    Judging,
    Paused,
    Phase,
    Request,
    Sample,
    Step,
    Trained,
)
from app.training.plan.training_plan import TrainingPlan
from app.training.process.stored_trainings import StoredTraining
from app.training.process.training_folder import TrainingFolder


class TrainingStage(StrEnum):
    """Stage of a training."""

    LOADING = "loading"
    TRAINING = "training"
    PAUSED = "paused"
    JUDGING = "judging"
    JUDGED = "judged"
    INTERRUPTED = "interrupted"  # it can go on
    FAILED = "failed"  # it may be able to go on


ACTIVE = (
    TrainingStage.LOADING,
    TrainingStage.TRAINING,
    TrainingStage.PAUSED,
    TrainingStage.JUDGING,
)


@dataclass(slots=True, eq=False)
class TrainingRecord:
    """What is known of a training.

    Attributes:
        folder: Its folder.
        plan: Its plan.
        stage: Its stage.
        doing: What its process does, as it says.
        asked: What a person has asked of its process, until it is done; None for nothing.
        step: The number of steps that were made.
        steps: The number of steps of a full training; 0 before it is known.
        seconds_left: The time that the training, or the judging, still takes; None if unknown.
        losses: The loss of each step.
        held_out: The held-out losses by the number of steps before them.
        samples: The samples by the number of steps before them.
        answers: How many held-out answers were given, and how many there are.
        trained: What the training says at its end.
        verdict: The verdict.
        error: Why it failed.
    """

    folder: TrainingFolder
    plan: TrainingPlan
    stage: TrainingStage = TrainingStage.LOADING
    doing: str = ""
    asked: Request | None = None
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    losses: dict[int, float] = field(default_factory=dict)
    held_out: dict[int, HeldOutLoss] = field(default_factory=dict)
    samples: dict[int, Sample] = field(default_factory=dict)
    answers: tuple[int, int] = (0, 0)
    trained: Trained | None = None
    verdict: Verdict | None = None
    error: TuneshiftError | None = None

    @property
    def active(self) -> bool:
        """Whether its process runs."""
        return self.stage in ACTIVE

    @property
    def can_go_on(self) -> bool:
        """Whether it can be started again."""
        return self.stage in (TrainingStage.INTERRUPTED, TrainingStage.FAILED)

    @property
    def best(self) -> HeldOutLoss | None:
        """The lowest held-out loss so far after a step; the weights before it are never kept."""
        after = [found for found in self.held_out.values() if found.step]
        return min(after, key=lambda found: found.loss, default=None)

    @property
    def share(self) -> float:
        """How much of the training, or of the judging, is done, from 0 to 1."""
        judging = self.stage is TrainingStage.JUDGING
        done, total = self.answers if judging else (self.step, self.steps)
        return done / total if total else 0.0

    def begin(self) -> None:
        """Its process was started, for the first time or again."""
        self.stage, self.doing, self.error = TrainingStage.LOADING, "", None
        self.asked = None
        self.seconds_left, self.answers = None, (0, 0)

    def fail(self, error: TuneshiftError) -> None:
        """It ended with an error."""
        self.stage, self.error, self.seconds_left = TrainingStage.FAILED, error, None

    def ask(self, request: Request) -> None:
        """A person has asked for something, which its process does after its step."""
        self.asked = None if request is Request.GO_ON else request

    def take(self, event: Event) -> None:
        """Follow an event of its process."""
        if isinstance(event, (Paused, Trained, *LAST)):
            self.asked = None
        match event:
            case Phase(text):
                self.doing = text
                if text == Doing.TRAINING:
                    self.stage = TrainingStage.TRAINING
            case Step(step, steps, loss, left):
                self.stage, self.step, self.steps = TrainingStage.TRAINING, step, steps
                self.losses[step], self.seconds_left = loss, left
            case HeldOutLoss(step):
                self.held_out[step] = event
            case Sample(step):
                self.samples[step] = event
            case Paused():
                self.stage = TrainingStage.PAUSED
            case Trained():
                self.trained, self.seconds_left = event, None
                self.stage = TrainingStage.JUDGING
            case Judging(done, total, left):
                self.answers, self.seconds_left = (done, total), left
            case Judged(verdict):
                self.stage, self.verdict = TrainingStage.JUDGED, verdict_of(verdict)
            case Failed(cause, evidence, next_step):
                self.fail(TrainingError(cause, evidence=evidence, next_step=next_step))
            case Abandoned():
                self.stage, self.seconds_left = TrainingStage.INTERRUPTED, None

    def follow(self, course: Iterable[Event]) -> None:
        """Take over the kept events of a training whose process has ended."""
        stage = self.stage
        for event in course:
            self.take(event)
        self.stage, self.seconds_left = stage, None


def record_of(stored: StoredTraining) -> TrainingRecord:
    """The record of a stored training; it reads its course from the disk."""
    stage = TrainingStage.JUDGED if stored.verdict else TrainingStage.INTERRUPTED
    record = TrainingRecord(stored.folder, stored.plan, stage, verdict=stored.verdict)
    record.follow(stored.folder.course())
    if stored.folder.is_trained:
        with suppress(TrainingError, TypeError):
            record.trained = Trained(**stored.folder.figures())
    return record
