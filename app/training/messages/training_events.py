"""Events of a training, and requests to it, as JSON between its process and the program.

Imports no torch.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

GOES_ON = "“Go on”, or the same command again, goes on from the last checkpoint."
"""What a person can do after a training that failed."""


class Request(StrEnum):
    """What the program asks of a training that is under way."""

    PAUSE = "pause"
    GO_ON = "go on"
    STOP = "stop"
    ABANDON = "abandon"


class Doing(StrEnum):
    """What the process of a training does."""

    READING = "Reading the small model"
    LOADING = "Loading the small model"
    TRAINING = "Training"
    LOADING_ALL = "Loading the models to judge the expert"


@dataclass(frozen=True, slots=True)
class Phase:
    """What the process does now, one of :class:`Doing`."""

    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the training has ended.

    Attributes:
        step: Its number, from 1.
        steps: The number of steps of a full training.
        loss: The mean loss of its learned tokens, in nats.
        seconds_left: The time that the rest takes at most; None before it is known.
    """

    step: int
    steps: int
    loss: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class HeldOutLoss:
    """The loss of the choosing half of the held-out documents, in nats per token.

    It is the mean of the batches' losses, weighted by their examples, over the first examples of
    that half: as many as are measured in a quarter of the time.

    Attributes:
        step: The number of steps before it.
        loss: The loss.
        best: Whether it is the lowest so far after a step, whose weights are then kept. The loss
            before the first step is never the best.
    """

    step: int
    loss: float
    best: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that the expert continues greedily at this step."""

    step: int
    prompt: str
    text: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The training waits, and holds its memory."""

    step: int


@dataclass(frozen=True, slots=True)
class Trained:
    """The adapter is written.

    Attributes:
        adapter: Its folder.
        recipe: The file of the recipe.
        step: The step whose weights it has: of those after which the held-out loss was measured,
            the one with the lowest.
        steps: The number of steps that were made.
        first_loss: The held-out loss before the first step.
        best_loss: The held-out loss of these weights, which may be higher than the first.
        stopped: Whether a person ended the training.
        seconds: How long the training took, without loading and pauses; of a training that was
            interrupted, the time of its last process.
    """

    adapter: str
    recipe: str
    step: int
    steps: int
    first_loss: float
    best_loss: float
    stopped: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Judging:
    """The models answer the held-out documents."""

    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict: plain data, as :meth:`app.training.judging.verdict.Verdict.as_json` gives it."""

    verdict: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The training failed, with an error that is shown to the person."""

    cause: str
    evidence: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The process ended at the person's request, before it came to its end."""

    trained: bool


Event = (
    Phase | Step | HeldOutLoss | Sample | Paused | Trained | Judging | Judged | Failed | Abandoned
)
_KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Phase,
        Step,
        HeldOutLoss,
        Sample,
        Paused,
        Trained,
        Judging,
        Judged,
        Failed,
        Abandoned,
    )
}
LAST = (Judged, Failed, Abandoned)
"""Events after which none follows."""


def encode_event(event: Event) -> bytes:
    """The event as one line of JSON."""
    values = {"event": type(event).__name__, **asdict(event)}
    return json.dumps(values, ensure_ascii=False).encode()


def decode_event(line: bytes) -> Event:
    """The event of :func:`encode_event`."""
    values = json.loads(line)
    return _KINDS[values.pop("event")](**values)
