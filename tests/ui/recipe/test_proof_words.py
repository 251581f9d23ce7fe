"""What the window tells of the proof of a role, while it goes on and when it is done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel, QProgressBar
from pytestqt.qtbot import QtBot

from app.checkpoints.proof.proof_report import (
    Compared,
    Difference,
    Proof,
    Reading,
    Shortcut,
    about_engines,
    in_one_line,
    warning_of,
)
from app.checkpoints.status import LoadProgress, RoleInForce
from app.engine.commands import Load
from app.engine.events import Loaded, Loading
from app.ui.recipe.role_options import RoleOptions
from app.ui.recipe.role_picker import RolePicker
from app.ui.state.session import Session
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.words.proof_words import engine_words, proof_line, proof_warning
from tests.ui.conftest import FakeBridge

PROVED = Proof(compared=(Compared(Reading.TOKENS, Difference(1e-12, 2.3e-6)),))
READ_ANEW = Proof(
    compared=(Compared(Reading.UNCACHED, Difference(1e-12, 1e-6)),),
    given_up=(Shortcut.PADDING, Shortcut.REWINDING, Shortcut.BLOCKS, Shortcut.CACHE),
    faults=(Compared(Reading.TOKENS, Difference(0.4, 3.1)),),
)
WITHOUT_BLOCKS = Proof(
    compared=PROVED.compared,
    given_up=(Shortcut.PADDING, Shortcut.BLOCKS),
    faults=(
        Compared(Reading.CHUNKS, Difference(0.1, 0.5)),
        Compared(Reading.BATCH, Difference(float("inf"), float("inf")), "RuntimeError: no"),
    ),
)


@pytest.fixture
def picker(qtbot: QtBot, session: Session, bridge: FakeBridge) -> RolePicker:
    shown = RolePicker(session, 0, "Base")
    qtbot.addWidget(shown)
    shown.show()
    session.load()
    bridge.ready()
    return shown


def finish(bridge: FakeBridge, proof: Proof) -> None:
    load = bridge.last(Load)
    assert isinstance(load, Load)
    roles = tuple(
        RoleInForce(name, spec.source, "float32", "cpu", 6_800_000, False, proof=proof)
        for name, spec in load.recipe.roles()
    )
    bridge.events.emit([Loaded(load.id, load.recipe, roles, (), 0)])


def caption(picker: RolePicker) -> ElidedLabel:
    (found,) = picker.findChildren(ElidedLabel)
    return found


def test_a_role_that_is_being_proved_says_so(picker: RolePicker, bridge: FakeBridge) -> None:
    progress = LoadProgress("base", 2, 6, proving=True)
    bridge.events.emit([Loading(bridge.last(Load).id, progress)])
    assert caption(picker).full_text == "proving …"
    bar = picker.findChild(QProgressBar)
    assert bar is not None
    assert bar.isVisible()
    assert (bar.value(), bar.maximum()) == (2, 6)


def test_a_role_of_which_nothing_is_read_yet_waits(picker: RolePicker, bridge: FakeBridge) -> None:
    progress = LoadProgress("base", 0, 0, converting=True)
    bridge.events.emit([Loading(bridge.last(Load).id, progress)])
    assert caption(picker).full_text == "waiting"


def test_a_proof_is_told_where_a_role_is_described(
    qtbot: QtBot, picker: RolePicker, session: Session, bridge: FakeBridge
) -> None:
    finish(bridge, PROVED)
    assert caption(picker).full_text == "6.8 M · float32 · cpu"
    assert "Proved: largest difference 2e-6" in caption(picker).toolTip()
    options = RoleOptions(session, 0)
    qtbot.addWidget(options)
    told = [label.text() for label in options.findChildren(QLabel)]
    assert "6.8 M · float32 · cpu\nProved: largest difference 2e-6" in told


def test_what_was_given_up_is_a_warning(
    qtbot: QtBot, picker: RolePicker, session: Session, bridge: FakeBridge
) -> None:
    finish(bridge, READ_ANEW)
    warning = (
        "Read without a cache, which is slow: one token at a time, log-probabilities differ "
        "by 3 from those of plain forward passes."
    )
    assert caption(picker).full_text == f"⚠ {warning}"
    assert warning in caption(picker).toolTip()
    options = RoleOptions(session, 0)
    qtbot.addWidget(options)
    assert any(warning in label.text() for label in options.findChildren(QLabel))


@pytest.mark.parametrize(
    "proof",
    [
        PROVED,
        READ_ANEW,
        WITHOUT_BLOCKS,
        replace(WITHOUT_BLOCKS, given_up=tuple(each for each in Shortcut if each != "cache")),
        replace(PROVED, skipped=(Reading.BLOCKS, Reading.BATCH)),
        replace(PROVED, engines=Difference(0.003, 0.4)),
        Proof(not_proved="switched off"),
        Proof(not_proved="one forward pass takes 30 s"),
    ],
)
def test_the_window_says_in_english_what_the_command_line_says(qtbot: QtBot, proof: Proof) -> None:
    assert proof_line(proof) == in_one_line(proof)
    assert engine_words(proof) == about_engines(proof)
    warning = warning_of("base", proof)
    assert proof_warning(proof) == warning.replace("The base is read", "Read")
