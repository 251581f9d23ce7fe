"""Fixtures of tests of single views: a session without an engine, and runs of invented logits."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.attribution.attribution import attribute
from app.checkpoints.preflight_report import (
    DeviceMemory,
    MemoryChange,
    MemoryEstimate,
    MemoryPart,
    Preflight,
    RolePrompt,
    RoleVocabulary,
    TokenDifference,
    Verdict,
    VocabularyReport,
)
from app.checkpoints.spec import CheckpointSpec, ExpertPair, Recipe
from app.checkpoints.status import RoleInForce
from app.decoding.types import FinishReason, RoleLogits, TokenStep, WhatIfToken
from app.engine.commands import AskWhatIf, Check, Command, Generate, Load
from app.engine.events import (
    Checked,
    EngineReady,
    Event,
    Failed,
    Loaded,
    RunFinished,
    RunStarted,
    RunStats,
    TokenDecoded,
    WhatIfAnswered,
)
from app.errors import TuneshiftError
from app.garbage_collection import set_collector
from app.settings import Settings
from app.ui.state.session import Session
from tests.ui.fake_hub import fake_hub  # noqa: F401 — a fixture
from tests.ui.watchdog import Watchdog, watched

PATIENCE_MS = 120_000
_FOLDERS = itertools.count()
WORDS = (
    " the",
    " king",
    " said",
    ",",
    "\n",
    " and",
    " thou",
    " art",
    ".",
    " 42",
    " 한",
    "\t",
    " a",
)


class PatientBot(QtBot):
    """A bot that waits two minutes, not 5 seconds or one, for what comes later."""

    def waitUntil(  # noqa: N802 — Qt's names
        self, callback: Callable[[], object], *, timeout: int = PATIENCE_MS
    ) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE_MS, **options: Any) -> Any:  # noqa: N802
        return super().waitSignal(signal, timeout=timeout, **options)

    def waitExposed(self, widget: QWidget, *, timeout: int = PATIENCE_MS) -> Any:  # noqa: N802
        return super().waitExposed(widget, timeout=timeout)

    def waitActive(self, widget: QWidget, *, timeout: int = PATIENCE_MS) -> Any:  # noqa: N802
        return super().waitActive(widget, timeout=timeout)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture(autouse=True)
def folders_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test leaves in the user's folders, such as recent files, is not there in the next."""
    number = next(_FOLDERS)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, f"{os.environ[name]}-{number}")


@pytest.fixture(scope="session")
def watchdog() -> Iterator[Watchdog]:
    """The watchdog of the window's thread."""
    watchdog = Watchdog()
    watchdog.start()
    with watched(watchdog):
        yield watchdog
    watchdog.stop()


@pytest.fixture(autouse=True)
def nothing_holds_the_window(watchdog: Watchdog) -> Iterator[None]:
    """Fail a test in which the window's thread computed long or made a call that may block."""
    watchdog.found.clear()
    yield
    assert not watchdog.found, "\n".join(watchdog.found)


@pytest.fixture(scope="session", autouse=True)
def clipboard_is_emptied(qapp: QGuiApplication) -> Iterator[None]:
    """Clear the offscreen clipboard, which outlives Python and must not hold Python objects."""
    yield
    qapp.clipboard().clear()


@pytest.fixture(autouse=True)
def no_modifier_is_held(qapp: QGuiApplication) -> Iterator[None]:
    """Release the modifier of the last simulated key or click, which Qt holds as pressed."""
    yield
    if qapp.keyboardModifiers() != Qt.KeyboardModifier.NoModifier:
        QTest.keyRelease(QWidget(), Qt.Key.Key_Shift)
    assert qapp.keyboardModifiers() == Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def garbage_is_collected_on_this_thread() -> Iterator[None]:
    """Disable automatic garbage collection; see ``app.ui.garbage_timer`` for the reason."""
    gc.disable()
    set_collector(lambda: None)
    yield
    set_collector(gc.collect)
    gc.collect(1)
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def garbage_of_a_module() -> Iterator[None]:
    yield
    gc.collect()


class FakeBridge(QObject):
    """Bridge without an engine: records commands, which tests answer by emitting ``events``."""

    events = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[Command] = []

    def submit(self, command: Command) -> None:
        self.commands.append(command)

    def last(self, kind: type) -> Command:
        return next(command for command in reversed(self.commands) if isinstance(command, kind))

    def ready(self, *devices: str) -> None:
        self.events.emit([EngineReady((*devices, "cpu"), "2.13.0")])

    def check(
        self, preflight: Preflight | None = None, kind: type[Load] | type[Check] = Load
    ) -> None:
        """Answer the last check, or the check of the last load."""
        command = self.last(kind)
        assert isinstance(command, Load | Check)
        found = preflight or invent_preflight(command.recipe, command.prompt)
        self.events.emit([Checked(command.id, found)])

    def finish_load(self) -> None:
        command = self.last(Load)
        assert isinstance(command, Load)
        roles = tuple(
            RoleInForce(role, spec.source, "bfloat16", "cpu", 2_200_000, False)
            for role, spec in command.recipe.roles()
        )
        self.events.emit([Loaded(command.id, command.recipe, roles, WORDS, 4_000_000)])

    def decode(self, count: int, *, start: int = 0, seed: int = 0) -> None:
        """Emit ``count`` tokens of the last run as one batch."""
        command = self.last(Generate)
        assert isinstance(command, Generate)
        offset = 0
        steps = []
        for index in range(start + count):
            step = invent_step(index, command.alphas.get(), offset, seed)
            offset = step.end
            steps.append(step)
        self.emit_steps(steps[start:])

    def emit_steps(self, steps: Sequence[TokenStep]) -> None:
        """Emit these steps of the last run as one batch."""
        id_ = self.last(Generate).id
        self.events.emit(
            [
                TokenDecoded(id_, step, attribute(step.logits, step.alphas, step.token_id))
                for step in steps
            ]
        )

    def start_run(self) -> None:
        command = self.last(Generate)
        self.events.emit([RunStarted(command.id, (5, 5, 5, 5, 5))])

    def finish_run(self, reason: FinishReason = FinishReason.LENGTH, tokens: int = 0) -> None:
        command = self.last(Generate)
        stats = RunStats(tokens, 0.01, 100.0, 410_000_000)
        self.events.emit([RunFinished(command.id, reason, stats)])

    def fail_run(self, error: TuneshiftError | None) -> None:
        """End the last run with an error, or as cancelled without one."""
        self.events.emit([Failed(self.last(Generate).id, error)])

    def answer_what_if(self, *choices: WhatIfToken) -> None:
        self.events.emit([WhatIfAnswered(self.last(AskWhatIf).id, choices)])

    def complete(self, count: int, seed: int = 0) -> None:
        """Emit ``count`` sampled tokens of the last run after its given ones, and end it."""
        command = self.last(Generate)
        assert isinstance(command, Generate)
        start = len(command.kept)
        self.start_run()
        self.decode(count, start=start, seed=seed)
        self.finish_run(tokens=count)


class EngineBridge(FakeBridge):
    """Bridge with the real engine but without its thread: tests call it to process commands."""

    def __init__(self) -> None:
        super().__init__()
        from app.engine.engine import Engine

        self._heard: list[Event] = []
        self._waiting: list[Command] = []
        self.engine = Engine(self._heard.append)

    def submit(self, command: Command) -> None:
        super().submit(command)
        self._waiting.append(command)

    def work(self) -> None:
        """Process all waiting commands, and emit the events of each command as one batch."""
        while self._waiting:
            self.engine.handle(self._waiting.pop(0))
            heard = list(self._heard)
            self._heard.clear()
            self.events.emit(heard)


def invent_preflight(
    recipe: Recipe,
    prompt: str = "",
    *,
    fits: bool = True,
    different: int = 0,
    chat: bool = False,
    warnings: tuple[str, ...] = (),
    changes: tuple[MemoryChange, ...] = (),
) -> Preflight:
    """A plausible check result of ``recipe``, with memory on two devices."""
    names = [name for name, _ in recipe.roles()]
    differences = tuple(
        TokenDifference(90 + index, f"<a{index}>", f"<b{index}>", 90 + index in recipe.accepted_ids)
        for index in range(different)
    )
    alike, few = Verdict.IDENTICAL, Verdict.FEW
    vocabulary = VocabularyReport(
        tuple(
            RoleVocabulary(name, few, 100, 128, different, differences)
            if different and place == 1
            else RoleVocabulary(name, alike, 100, 128)
            for place, name in enumerate(names)
        ),
        masked_ids=tuple(
            index
            for index in range(90, 128)
            if index not in recipe.accepted_ids and (index >= 100 or index < 90 + different)
        ),
    )
    parts = [
        MemoryPart(name, "weights", 10_000_000 * (1 + (place == 0)))
        for place, name in enumerate(names)
    ]
    parts += [MemoryPart("cache", "cache", 4_000_000), MemoryPart("work", "work", 1_000_000)]
    needed = sum(part.size for part in parts)
    free = 8_000_000_000 if fits else needed // 2
    memory = MemoryEstimate(
        512, (DeviceMemory("cpu", tuple(parts), needed + 5_000_000, free, 2 * free),), changes
    )
    words = (prompt or recipe.sample_prompt).split(" ")
    tokens = tuple(word if index == 0 else f" {word}" for index, word in enumerate(words))
    prompts = tuple(
        RolePrompt(name, "".join(tokens), tuple(range(len(tokens))), tokens, 512, chat)
        for name in names
    )
    return Preflight(recipe, vocabulary, memory, prompts, warnings)


def invent_step(index: int, alphas: tuple[float, ...], start: int, seed: int = 0) -> TokenStep:
    """A step with random logits over ``WORDS`` and a token sampled from the tuned distribution."""
    random = np.random.default_rng((seed, index))
    size = len(WORDS)
    base, anti = (random.normal(0, 2, size).astype(np.float32) for _ in range(2))
    experts = tuple(anti + random.normal(0, 1.5, size).astype(np.float32) for _ in alphas)
    logits = RoleLogits(base, experts, tuple(anti for _ in alphas))
    tuned = base + sum(a * (e - anti) for a, e in zip(alphas, experts, strict=True))
    probabilities = np.exp(tuned - tuned.max())
    probabilities /= probabilities.sum()
    token = int(random.choice(size, p=probabilities / probabilities.sum()))
    return TokenStep(index, token, WORDS[token], start, alphas, logits, float(probabilities[token]))


@pytest.fixture
def recipe() -> Recipe:
    small = CheckpointSpec("builtin:demo/antiexpert")
    return Recipe(
        name="Two styles",
        base=CheckpointSpec("builtin:demo/base"),
        pairs=(
            ExpertPair("Shakespeare", CheckpointSpec("builtin:demo/shakespeare"), small, 1.0),
            ExpertPair("Arithmetic", CheckpointSpec("builtin:demo/arithmetic"), small, 0.4),
        ),
        sample_prompt="Once upon a time",
    )


@pytest.fixture
def bridge(qapp: object) -> FakeBridge:
    return FakeBridge()


@pytest.fixture
def session(bridge: FakeBridge, recipe: Recipe) -> Session:
    return Session(bridge, recipe, Settings())  # type: ignore[arg-type]


@pytest.fixture
def loaded_session(session: Session, bridge: FakeBridge) -> Session:
    """A session with a loaded recipe."""
    session.load()
    bridge.ready()
    bridge.finish_load()
    return session


@pytest.fixture
def finished_session(loaded_session: Session, bridge: FakeBridge) -> Session:
    """A session with a finished run of 60 tokens."""
    loaded_session.runs.generate("Once upon a time")
    bridge.start_run()
    bridge.decode(60)
    bridge.finish_run(tokens=60)
    return loaded_session
