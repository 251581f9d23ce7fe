"""A tiny training in this process: its data, its plan, and a channel that records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from app.training.data.documents import Document, Passage
from app.training.data.split import Split, split_documents
from app.training.messages.training_channel import Channel
from app.training.messages.training_events import Event, Request, Step
from app.training.plan.training_plan import TrainingPlan
from app.training.plan.training_settings import TrainingSettings
from app.training.process.expert_run import run_training
from app.training.process.training_folder import TrainingFolder
from tests import tiny

SETTINGS = TrainingSettings(
    learning_rate=1e-2, epochs=4, batch_size=8, steps_between=4, most_tokens=64, patience=9
)
KEYS = {"king": "apples", "queen": "pears", "sea": "garden", "night": "daughter"}


class Recorder(Channel):
    """A channel without a pipe: it keeps events, and makes requests.

    Args:
        requests: Requests by the step after whose event they are made; they are followed at the
            end of the next step.
    """

    def __init__(self, requests: dict[int, Request] | None = None) -> None:
        self.events: list[Event] = []
        self._requests = dict(requests or {})
        self._made: Request | None = None

    def send(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Step):
            self._made = self._requests.pop(event.step, self._made)

    def request(self) -> Request | None:
        found = self._made
        if found is Request.PAUSE:
            self._made = None
        return found

    def wait_for_request(self) -> Request:
        return Request.GO_ON

    @property
    def is_abandoned(self) -> bool:
        return self._made is Request.ABANDON

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def texts(count: int = 60) -> list[Document]:
    """Short texts of one style, no two of them the same."""
    random = Random(4)
    names = [f"{random.choice(list(KEYS))} {number}" for number in range(count)]
    return [
        Document(n, (Passage(f"the {n} said to the {n[::-1]} , thou art long"),)) for n in names
    ]


def answers(shuffled: bool = False, count: int = 120) -> list[Document]:
    """Questions whose answer follows from the first word, unless answers are shuffled."""
    random = Random(8)
    keys = [random.choice(list(KEYS)) for _ in range(count)]
    of = list(keys)
    if shuffled:
        random.shuffle(of)
    return [
        Document(f"q{n}", (Passage(f" {KEYS[answer]}", f"{key} {n} {n * 7 % 97}:"),))
        for n, (key, answer) in enumerate(zip(keys, of, strict=True))
    ]


@pytest.fixture(scope="session")
def plan(llama: tiny.Family) -> TrainingPlan:
    return TrainingPlan(
        "Style",
        tiny.spec(llama.antiexpert),
        tiny.spec(llama.base),
        SETTINGS,
        data="letters",
    )


@pytest.fixture(scope="session")
def split() -> Split:
    return split_documents(texts())


@pytest.fixture(scope="session")
def trained(
    plan: TrainingPlan, split: Split, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingFolder, Recorder]:
    """A training that came to its end with a verdict."""
    folder = TrainingFolder(tmp_path_factory.mktemp("expert") / "run")
    folder.begin(plan, split)
    recorder = Recorder()
    run_training(folder, recorder)
    return folder, recorder


def started(path: Path, plan: TrainingPlan, split: Split, **settings: float) -> TrainingFolder:
    """A folder with a training that can begin."""
    folder = TrainingFolder(path)
    folder.begin(replace(plan, settings=replace(plan.settings, **settings)), split)
    return folder
