"""Tests of the fork pop-up: choosing candidates and typing text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.engine.commands import Generate
from app.ui.branches.alternatives import Alternatives
from app.ui.branches.fork_popup import ForkPopup
from app.ui.state.runs.run import Run
from app.ui.state.runs.runs import Runs
from app.ui.state.session import Session
from tests.ui.conftest import WORDS, FakeBridge

INDEX = 7


@pytest.fixture
def run(finished_session: Session) -> Run:
    assert finished_session.runs.current
    return finished_session.runs.current


@pytest.fixture
def open_at(finished_session: Session, run: Run, qtbot: QtBot) -> Callable[[int], ForkPopup]:
    def make(index: int) -> ForkPopup:
        popup = ForkPopup(finished_session, run, index)
        qtbot.addWidget(popup)
        popup.open_at(QPoint(0, 0))
        return popup

    return make


def asked(bridge: FakeBridge) -> Generate:
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    return command


def test_candidates_come_by_their_tuned_probability(run: Run) -> None:
    found = Alternatives(run, INDEX).all
    assert [one.rank for one in found] == list(range(1, len(WORDS) + 1))
    assert sum(one.probability for one in found) == pytest.approx(1, abs=1e-5)
    current = [one for one in found if one.current]
    assert [one.token_id for one in current] == [run.tokens[INDEX].token_id]
    assert current[0].probability == pytest.approx(run.tokens[INDEX].attribution.p_tuned, abs=1e-6)


def test_typed_text_filters_candidates(run: Run) -> None:
    found = Alternatives(run, INDEX)
    assert {one.text for one in found.matching("TH")} == {" the", " thou"}
    assert {one.text for one in found.matching("↵")} == {"\n"}
    assert [one.text for one in found.matching("a")][:1] != [" said"]  # prefix matches come first
    assert found.exactly("the") is None
    exact = found.exactly(" the")
    assert exact
    assert exact.text == " the"


def test_enter_forks_with_the_best_other_candidate(
    open_at: Callable[[int], ForkPopup], run: Run, bridge: FakeBridge, qtbot: QtBot
) -> None:
    best = next(one for one in Alternatives(run, INDEX).all if not one.current)
    popup = open_at(INDEX)
    qtbot.keyClick(popup.field, Qt.Key.Key_Return)
    assert asked(bridge).kept == run.token_ids[:INDEX]
    assert asked(bridge).forced == (best.token_id,)
    assert not popup.isVisible()


def test_keys_skip_the_current_token(
    open_at: Callable[[int], ForkPopup], run: Run, bridge: FakeBridge, qtbot: QtBot
) -> None:
    others = [one for one in Alternatives(run, INDEX).all if not one.current]
    popup = open_at(INDEX)
    qtbot.keyClick(popup.field, Qt.Key.Key_Up)  # nothing is above the first row
    for _ in others[1:4]:
        qtbot.keyClick(popup.field, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    qtbot.keyClick(popup.field, Qt.Key.Key_Up)
    assert f"rank {others[2].rank}" in popup.hint.text()
    assert popup.field.accessibleDescription() == popup.hint.text()
    qtbot.keyClick(popup.field, Qt.Key.Key_Return)
    assert asked(bridge).forced == (others[2].token_id,)


def test_any_text_can_be_typed(
    open_at: Callable[[int], ForkPopup], run: Run, bridge: FakeBridge, qtbot: QtBot
) -> None:
    popup = open_at(INDEX)
    qtbot.keyClicks(popup.field, " the")
    assert popup.hint.text().startswith("Enter: continue with “ the”")  # the text of a candidate
    qtbot.keyClicks(popup.field, "n a")
    assert popup.list.item(0).text() == "“ then a” as typed"
    before = run.text[: run.tokens[INDEX].start]
    assert f"{before[-6:].strip()[-1:]} then a" in popup.hint.text()  # after the text before it
    qtbot.keyClick(popup.field, Qt.Key.Key_Return)
    assert asked(bridge).text == " then a"
    assert asked(bridge).forced == ()


def test_escape_changes_nothing(
    open_at: Callable[[int], ForkPopup], bridge: FakeBridge, qtbot: QtBot
) -> None:
    sent = len(bridge.commands)
    popup = open_at(INDEX)
    qtbot.keyClicks(popup.field, "x")
    qtbot.keyClick(popup.field, Qt.Key.Key_Escape)
    assert len(bridge.commands) == sent
    assert not popup.isVisible()


def test_after_the_last_token_only_text_can_follow(
    open_at: Callable[[int], ForkPopup], bridge: FakeBridge, qtbot: QtBot
) -> None:
    popup = open_at(60)
    sent = len(bridge.commands)
    qtbot.keyClick(popup.field, Qt.Key.Key_Return)
    assert len(bridge.commands) == sent
    qtbot.keyClicks(popup.field, " and so")
    qtbot.keyClick(popup.field, Qt.Key.Key_Return)
    assert asked(bridge).text == " and so"
    assert len(asked(bridge).kept) == 60


def test_forking_at_the_last_token_of_a_stepped_run_replaces_it(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    runs: Runs = loaded_session.runs
    for _ in range(2):
        runs.step("Once")
        bridge.complete(1)
    assert runs.current
    popup = ForkPopup(loaded_session, runs.current, 1)
    qtbot.addWidget(popup)
    popup.accept()
    assert len(runs.all) == 1
    assert asked(bridge).config.max_new_tokens == 2
