"""Tests of the status bar: speculative decoding, and how often its figures change."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.attribution.attribution import attribute
from app.checkpoints.status import LoadProgress
from app.decoding.capture_stats import NO_CAPTURES, CaptureStats
from app.decoding.speculation_stats import DraftCounts, SpeculationStats
from app.decoding.types import FinishReason
from app.engine.commands import Generate, Load
from app.engine.events import Loading, RunFinished, RunStats, TokenDecoded
from app.ui.state.session import Session
from app.ui.status_bar import StatusBar
from tests.ui.conftest import FakeBridge, invent_step


def end_run(
    session: Session,
    bridge: FakeBridge,
    drafts: SpeculationStats | None,
    captures: CaptureStats = NO_CAPTURES,
) -> None:
    session.runs.generate("Once upon a time")
    bridge.start_run()
    bridge.decode(3)
    stats = RunStats(3, 0.01, 100.0, 410_000_000, drafts, captures=captures)
    bridge.events.emit([RunFinished(bridge.last(Generate).id, FinishReason.LENGTH, stats)])


def shown(line: StatusBar) -> list[str]:
    return [label.text() for label in line.findChildren(QLabel)]


def test_tokens_per_forward_pass_and_acceptance_are_shown(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    line = StatusBar(loaded_session)
    qtbot.addWidget(line)
    expert, lookup = DraftCounts(8, 40, 30, 24), DraftCounts(2, 10, 10, 6)
    drafts = SpeculationStats((("expert", expert), ("lookup", lookup)), 5)
    end_run(loaded_session, bridge, drafts)
    assert "4.0 tokens per forward pass" in shown(line)
    (tip,) = (
        label.toolTip() for label in line.findChildren(QLabel) if "forward pass" in label.text()
    )
    assert "75%" in tip


def test_figures_of_a_run_change_a_few_times_a_second(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    line = StatusBar(loaded_session)
    qtbot.addWidget(line)
    loaded_session.runs.generate("Once upon a time")
    bridge.decode(3)
    assert "3 tokens" in shown(line), "the first tokens are shown at once"
    bridge.decode(2, start=3)
    assert "3 tokens" in shown(line)
    qtbot.waitUntil(lambda: "5 tokens" in shown(line))
    bridge.decode(1, start=5)
    bridge.finish_run()
    assert "6 tokens" in shown(line), "the end is shown at once"


def test_all_shares_of_a_pair_of_another_vocabulary_are_told(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    line = StatusBar(loaded_session)
    qtbot.addWidget(line)
    loaded_session.runs.generate("Once upon a time")
    events, start = [], 0
    for index, (exact, bounded) in enumerate([(0.98, 0.01), (0.94, 0.05)]):
        step = invent_step(index, loaded_session.recipe.alphas, start)
        start = step.end
        explained = attribute(step.logits, step.alphas, step.token_id)
        shares = replace(explained, coverage=exact, bounded=bounded)
        events.append(TokenDecoded(bridge.last(Generate).id, step, shares))
    bridge.events.emit(events)
    bridge.finish_run(tokens=2)
    (label,) = (each for each in line.findChildren(QLabel) if each.text() == "coverage 96%")
    known, others = label.toolTip().splitlines()
    assert "96.0%" in known
    assert "94.0%" in known
    assert others == (
        "They know only the first piece of tokens with 3.0% of the probability, and nothing of "
        "tokens with 1.0%."
    )


def test_a_role_that_cannot_rewind_is_named(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    line = StatusBar(loaded_session)
    qtbot.addWidget(line)
    end_run(loaded_session, bridge, SpeculationStats(plain=3, unrewindable="expert “Style”"))
    assert "Plain decoding: the expert “Style” cannot rewind" in shown(line)


def test_steps_whose_replay_differs_are_named(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    line = StatusBar(loaded_session)
    qtbot.addWidget(line)
    end_run(loaded_session, bridge, None, CaptureStats(7, 1.25, ("steps of 3 tokens: wrong",)))
    assert "⚠ kinds of step uncaptured: 1" in shown(line)
    tips = {label.text(): label.toolTip() for label in line.findChildren(QLabel)}
    assert "steps of 3 tokens: wrong" in tips["⚠ kinds of step uncaptured: 1"]
    assert "7 kinds of step captured and checked in 1.2 s" in tips["100 tokens/s"]
    end_run(loaded_session, bridge, None)
    assert not [text for text in shown(line) if "uncaptured" in text]


def test_a_proof_is_not_counted_in_megabytes(
    session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    line = StatusBar(session)
    qtbot.addWidget(line)
    session.load()
    bridge.ready()
    load = bridge.last(Load).id
    bridge.events.emit([Loading(load, LoadProgress("base", 3_000_000, 12_000_000))])
    assert "Loading models: 3 of 12 MB" in shown(line)
    bridge.events.emit([Loading(load, LoadProgress("base", 2, 6, proving=True))])
    assert "Proving the models …" in shown(line)


def test_nothing_is_shown_without_drafts(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    line = StatusBar(loaded_session)
    qtbot.addWidget(line)
    for drafts in (None, SpeculationStats(plain=3)):
        end_run(loaded_session, bridge, drafts)
        assert not any("forward pass" in text or "Plain" in text for text in shown(line))


def test_a_text_without_room_is_left_out_and_not_cut(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    line = StatusBar(loaded_session)
    qtbot.addWidget(line)
    line.show()
    end_run(loaded_session, bridge, SpeculationStats(plain=3, unrewindable="expert “Style”"))
    counts = []
    for width in (900, 600, 420, 250):
        line.resize(width, 24)
        QApplication.processEvents()
        shown_now = [label for label in line.findChildren(QLabel) if label.isVisible()]
        assert all(label.width() >= label.sizeHint().width() for label in shown_now)
        counts.append(len(shown_now))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] >= 1


def test_weights_that_are_packed_are_not_counted_as_read(
    session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    """Packing counts the bytes of all models in memory, which no file has."""
    line = StatusBar(session)
    qtbot.addWidget(line)
    bridge.ready()
    session.load()
    load = bridge.last(Load).id
    bridge.events.emit([Loading(load, LoadProgress("base", 3_000_000, 12_000_000))])
    assert "Loading models: 3 of 12 MB" in shown(line)
    bridge.events.emit([Loading(load, LoadProgress("base", 1_000_000, 19_000_000, packing=True))])
    assert "Preparing the models for the CPU …" in shown(line)
    assert not any("19" in text for text in shown(line))
