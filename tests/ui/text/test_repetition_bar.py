"""Tests of the repetition bar: it offers to stop a repeating run, but does not stop it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.ui.state.session import Session
from app.ui.text.repetition_bar import RepetitionBar
from tests.ui.conftest import FakeBridge, invent_step


@pytest.fixture
def bar(qtbot: QtBot, loaded_session: Session, bridge: FakeBridge) -> RepetitionBar:
    made = RepetitionBar(loaded_session)
    qtbot.addWidget(made)
    loaded_session.runs.generate("Once")
    bridge.start_run()
    return made


def draw(bridge: FakeBridge, ids: Sequence[int], first: int = 0) -> None:
    steps = [invent_step(first + place, (1.0, 0.4), 0) for place in range(len(ids))]
    bridge.emit_steps([replace(step, token_id=id_) for step, id_ in zip(steps, ids, strict=True)])


def test_a_repetition_is_reported_and_can_be_stopped(
    bar: RepetitionBar, loaded_session: Session, bridge: FakeBridge
) -> None:
    draw(bridge, [1, 2, 3] * 20)
    assert not bar.isVisibleTo(None)
    draw(bridge, [1, 2, 3] * 2, first=60)
    assert bar.isVisibleTo(None)
    assert bar.message.message == "The run repeats the same 3 tokens over and over."
    run = loaded_session.runs.current
    assert run is not None
    assert not run.cancellation.requested()
    bar.stop.click()
    assert run.cancellation.requested()
    bridge.fail_run(None)
    assert not bar.isVisibleTo(None)


def test_the_bar_stays_hidden_after_keep_generating(
    bar: RepetitionBar, loaded_session: Session, bridge: FakeBridge
) -> None:
    draw(bridge, [5] * 70)
    assert bar.message.message == "The run repeats one token over and over."
    bar.keep_generating.click()
    assert not bar.isVisibleTo(None)
    draw(bridge, [5] * 70, first=70)
    assert not bar.isVisibleTo(None)
    bridge.finish_run(tokens=140)
    loaded_session.runs.generate("Once more")
    bridge.start_run()
    draw(bridge, [5] * 70)
    assert bar.isVisibleTo(None)


def test_the_bar_is_hidden_when_the_repetition_ends(bar: RepetitionBar, bridge: FakeBridge) -> None:
    draw(bridge, [5] * 70)
    assert bar.isVisibleTo(None)
    draw(bridge, [6, 7], first=70)
    assert not bar.isVisibleTo(None)


def test_scored_texts_are_not_checked_for_repetition(
    qtbot: QtBot, loaded_session: Session, bridge: FakeBridge
) -> None:
    bar = RepetitionBar(loaded_session)
    qtbot.addWidget(bar)
    loaded_session.runs.score("Once", "again and again")
    bridge.start_run()
    draw(bridge, [5] * 70)
    assert not bar.isVisibleTo(None)
