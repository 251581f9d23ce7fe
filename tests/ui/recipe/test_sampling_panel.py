"""The sampling settings: what is typed gets into the recipe or is refused in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QPlainTextEdit, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.decoding.alpha_policy import PolicyKind, parse_policy
from app.decoding.types import MAX_SEED
from app.ui.recipe.alpha_policy_field import AlphaPolicyField
from app.ui.recipe.sampling_panel import SamplingPanel
from app.ui.recipe.stop_strings import read_stop_strings, write_stop_strings
from app.ui.state.session import Session
from app.ui.widgets.form_controls import Disclosure, NumberBox
from tests.ui.conftest import FakeBridge


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> SamplingPanel:
    panel = SamplingPanel(session)
    qtbot.addWidget(panel)
    panel.resize(236, 500)
    panel.show()
    qtbot.mouseClick(panel.findChild(Disclosure), Qt.MouseButton.LeftButton)
    return panel


def control(panel: SamplingPanel, name: str) -> QWidget:
    return next(w for w in panel.findChildren(QWidget) if w.accessibleName() == name)


def error(panel: SamplingPanel) -> str:
    label = next(w for w in panel.findChildren(QLabel) if w.property("role") == "error")
    return label.text() if label.isVisible() else ""


def retype(qtbot: QtBot, widget: QWidget, text: str) -> None:
    widget.setFocus()
    widget.selectAll()  # type: ignore[attr-defined]
    qtbot.keyClicks(widget, text)


@pytest.mark.parametrize(
    ("name", "typed", "field", "value"),
    [
        ("Max new tokens", "12", "max_new_tokens", 12),
        ("Temperature", "1.3", "temperature", 1.3),
        ("Temperature", "0", "temperature", 0.0),
        ("Temperature", "0.5", "temperature", 0.5),
        ("Top-k", "40", "top_k", 40),
        ("Top-p", "0.5", "top_p", 0.5),
        ("Min-p", "0.05", "min_p", 0.05),
        ("Repetition penalty", "1.1", "repetition_penalty", 1.1),
        ("Frequency penalty", "-0.5", "frequency_penalty", -0.5),
        ("Presence penalty", "1.5", "presence_penalty", 1.5),
        ("Seed", "12345", "seed", 12345),
        ("Seed", str(MAX_SEED), "seed", MAX_SEED),
    ],
)
def test_typing_sets_the_recipe(
    qtbot: QtBot, panel: SamplingPanel, session: Session, name: str, typed: str, field: str, value
) -> None:
    retype(qtbot, control(panel, name), typed)
    assert getattr(session.recipe.sampling, field) == value
    assert type(getattr(session.recipe.sampling, field)) is type(value)
    assert not error(panel)


def choose(panel: SamplingPanel, kind: str) -> None:
    box = control(panel, "Structure")
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findData(kind))


def test_a_structure_is_taken_when_it_is_valid_and_refused_in_words(
    qtbot: QtBot, panel: SamplingPanel, session: Session
) -> None:
    field = control(panel, "Text of the structure")
    assert not field.isVisible()
    choose(panel, "json")
    assert session.recipe.sampling.structure == "json"
    assert not field.isVisible()
    assert "JSON object" in panel.findChild(Disclosure).accessibleName()
    choose(panel, "json_schema")
    assert field.isVisible()
    assert "is empty" in error(panel)
    assert session.recipe.sampling.structure == "json"
    retype(qtbot, field, '{"type": "objekt"}')
    assert "objekt" in error(panel)
    session.set_sampling(replace(session.recipe.sampling, top_k=9))
    assert field.toPlainText() == '{"type": "objekt"}'  # type: ignore[attr-defined]
    retype(qtbot, field, '{"type": "object"}')
    assert not error(panel)
    sampling = session.recipe.sampling
    assert (sampling.structure, sampling.structure_text) == ("json_schema", '{"type": "object"}')
    choose(panel, "grammar")
    assert "grammar cannot be used" in error(panel)
    retype(qtbot, field, 'root ::= "yes"')
    assert session.recipe.sampling.structure == "grammar"
    choose(panel, "off")
    assert not session.recipe.sampling.structured
    assert session.recipe.sampling.structure_text == ""


def test_the_structure_of_another_recipe_is_shown(panel: SamplingPanel, session: Session) -> None:
    session.set_sampling(
        replace(session.recipe.sampling, structure="grammar", structure_text='root ::= "a"')
    )
    field = control(panel, "Text of the structure")
    assert field.isVisible()
    assert field.toPlainText() == 'root ::= "a"'  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Top-p", "0"), ("Repetition penalty", "0"), ("Seed", str(MAX_SEED + 1))],
)
def test_what_is_refused_is_said_and_not_taken(
    qtbot: QtBot, panel: SamplingPanel, session: Session, name: str, typed: str
) -> None:
    before = session.recipe
    if name == "Seed":  # its beginning is a valid seed
        session.set_sampling(replace(before.sampling, seed=MAX_SEED // 10))
        control(panel, name).setText(typed[:-1])
        qtbot.keyClicks(control(panel, name), typed[-1])
        assert session.recipe.sampling.seed == MAX_SEED // 10
    else:
        retype(qtbot, control(panel, name), typed)
        assert session.recipe == before
    assert "must be" in error(panel)
    assert name.lower() in error(panel)
    qtbot.mouseClick(
        next(b for b in panel.findChildren(QPushButton) if b.text() == "Reset to the recipe"),
        Qt.MouseButton.LeftButton,
    )
    assert not error(panel)
    assert session.recipe == before


def test_zero_temperature_is_called_greedy(qtbot: QtBot, panel: SamplingPanel) -> None:
    box = control(panel, "Temperature")
    retype(qtbot, box, "0")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert isinstance(box, NumberBox)
    assert "greedy" in box.text()
    assert "greedy" in panel.findChild(Disclosure).summary


def test_summary_says_what_is_set(panel: SamplingPanel, session: Session) -> None:
    session.set_sampling(replace(session.recipe.sampling, temperature=0.7, top_p=0.9, seed=3))
    assert panel.findChild(Disclosure).summary == "temp. 0.7 · top-p 0.9 · seed 3"


def test_undo_is_shown_without_another_change(
    qtbot: QtBot, panel: SamplingPanel, session: Session
) -> None:
    box = control(panel, "Top-k")
    assert isinstance(box, NumberBox)
    retype(qtbot, box, "40")
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert box.value() == 0
    assert session.undo_stack.canRedo()


def test_dice_draws_another_seed(
    qtbot: QtBot, panel: SamplingPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda most: 999_999)
    dice = control(panel, "New random seed")
    assert isinstance(dice, QToolButton)
    qtbot.mouseClick(dice, Qt.MouseButton.LeftButton)
    assert session.recipe.sampling.seed == 999_999
    assert control(panel, "Seed").text() == "999999"  # type: ignore[attr-defined]


def test_a_seed_is_pinned_and_unpinned(
    qtbot: QtBot, panel: SamplingPanel, session: Session
) -> None:
    seed, pin = control(panel, "Seed"), control(panel, "Pin the seed")
    assert isinstance(pin, QToolButton)
    assert pin.isChecked()
    qtbot.mouseClick(pin, Qt.MouseButton.LeftButton)
    assert session.recipe.new_seeds
    assert seed.text() == ""  # type: ignore[attr-defined]
    assert seed.placeholderText() == "new each time"  # type: ignore[attr-defined]
    assert panel.findChild(Disclosure).summary.endswith("new seeds")
    qtbot.keyClicks(seed, "41")
    assert (session.recipe.sampling.seed, session.recipe.new_seeds) == (41, False)
    assert pin.isChecked()
    qtbot.mouseClick(pin, Qt.MouseButton.LeftButton)
    session.undo_stack.undo()
    assert not session.recipe.new_seeds


def test_the_seed_of_the_shown_run_is_pinned(
    qtbot: QtBot, panel: SamplingPanel, loaded_session: Session, bridge: FakeBridge
) -> None:
    pin = control(panel, "Pin the seed")
    qtbot.mouseClick(pin, Qt.MouseButton.LeftButton)
    loaded_session.runs.generate("Once")
    run = loaded_session.runs.current
    assert run is not None
    qtbot.mouseClick(pin, Qt.MouseButton.LeftButton)
    assert loaded_session.recipe.sampling.seed == run.recipe.sampling.seed
    assert control(panel, "Seed").text() == str(run.recipe.sampling.seed)  # type: ignore[attr-defined]


def test_an_empty_seed_goes_back(qtbot: QtBot, panel: SamplingPanel, session: Session) -> None:
    seed = control(panel, "Seed")
    retype(qtbot, seed, "77")
    seed.clear()  # type: ignore[attr-defined]
    control(panel, "Top-k").setFocus()
    assert seed.text() == "77"  # type: ignore[attr-defined]
    assert session.recipe.sampling.seed == 77


def test_stop_strings_are_read_with_escapes(
    qtbot: QtBot, panel: SamplingPanel, session: Session
) -> None:
    editor = control(panel, "Stop strings")
    assert isinstance(editor, QPlainTextEdit)
    qtbot.keyClicks(editor, "\\n\\n")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "The \\tend")
    assert session.recipe.sampling.stop == ("\n\n", "The \tend")
    assert editor.toPlainText() == "\\n\\n\nThe \\tend"


def test_stop_strings_of_the_recipe_are_shown_escaped(
    panel: SamplingPanel, session: Session
) -> None:
    session.set_sampling(replace(session.recipe.sampling, stop=("\n", "a\\b")))
    editor = control(panel, "Stop strings")
    assert isinstance(editor, QPlainTextEdit)
    assert editor.toPlainText() == "\\n\na\\\\b"


@pytest.mark.slow
@given(st.lists(st.text(min_size=1), max_size=4).map(tuple))
def test_stop_strings_round_trip(strings: tuple[str, ...]) -> None:
    assert read_stop_strings(write_stop_strings(strings)) == strings


@pytest.mark.slow
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=4).map(tuple))
def test_stop_strings_survive_the_editor(qapp: object, strings: tuple[str, ...]) -> None:
    editor = QPlainTextEdit(write_stop_strings(strings))
    assert read_stop_strings(editor.toPlainText()) == strings


def test_every_label_names_its_control(panel: SamplingPanel) -> None:
    labels = [label for label in panel.findChildren(QLabel) if label.property("role") == "caption"]
    assert len(labels) == 12
    assert all(label.buddy().accessibleName() == label.text() for label in labels)


# Policy of alpha


def policy_box(panel: SamplingPanel) -> QComboBox:
    box = control(panel, "Policy of α")
    assert isinstance(box, QComboBox)
    return box


def policy_numbers(panel: SamplingPanel) -> list[NumberBox]:
    return panel.findChild(AlphaPolicyField).numbers


@pytest.mark.parametrize("kind", PolicyKind)
def test_every_policy_is_chosen_with_numbers_that_are_valid(
    panel: SamplingPanel, session: Session, kind: PolicyKind
) -> None:
    box = policy_box(panel)
    box.setCurrentIndex(box.findData(kind))
    policy = parse_policy(session.recipe.sampling.alpha_policy)
    assert policy.kind is kind
    assert not error(panel)
    header = panel.findChild(Disclosure)
    assert (box.currentText() in header.summary) == (kind is not PolicyKind.CONSTANT)
    field = panel.findChild(AlphaPolicyField)
    about = [w for w in field.findChildren(QLabel) if w.wordWrap() and w.isVisible()]
    assert len(about) == (kind is not PolicyKind.CONSTANT)


def test_a_choice_of_a_policy_is_undone(panel: SamplingPanel, session: Session) -> None:
    box = policy_box(panel)
    box.setCurrentIndex(box.findData(PolicyKind.KL))
    policy_numbers(panel)[0].setValue(0.25)
    assert session.recipe.sampling.alpha_policy == "kl:0.25"
    session.undo_stack.undo()
    while session.undo_stack.canUndo():
        session.undo_stack.undo()
    assert session.recipe.sampling.alpha_policy == "constant"
    assert box.currentData() == PolicyKind.CONSTANT
    assert policy_numbers(panel) == []


def test_the_end_of_a_threshold_is_never_below_its_beginning(
    panel: SamplingPanel, session: Session
) -> None:
    box = policy_box(panel)
    box.setCurrentIndex(box.findData(PolicyKind.ENTROPY))
    low, high = policy_numbers(panel)
    low.setValue(3)
    assert high.value() == 3
    assert session.recipe.sampling.alpha_policy == "entropy:3"
    high.setValue(5)
    assert session.recipe.sampling.alpha_policy == "entropy:3:5"
    high.setValue(1.5)
    assert low.value() == 1.5
    assert session.recipe.sampling.alpha_policy == "entropy:1.5"


def test_a_policy_of_the_recipe_is_shown(panel: SamplingPanel, session: Session) -> None:
    sampling = replace(session.recipe.sampling, alpha_policy="ramp:-0.5:2:30")
    session.set_sampling(sampling)
    assert policy_box(panel).currentData() == PolicyKind.RAMP
    assert [box.value() for box in policy_numbers(panel)] == [-0.5, 2, 30]
    session.set_sampling(replace(sampling, alpha_policy="confidence:0.9"))
    assert [box.value() for box in policy_numbers(panel)] == [0.9, 0.9]
    assert session.recipe.sampling.alpha_policy == "confidence:0.9"


def test_what_cannot_be_asked_of_a_server_that_tunes_can_only_be_switched_off(
    panel: SamplingPanel, session: Session
) -> None:
    field = panel.findChild(AlphaPolicyField)
    here = session.recipe.base
    session.set_sampling(replace(session.recipe.sampling, alpha_policy="kl:0.5"))
    session.set_spec(0, replace(here, source="endpoint:http://gpu:8000/v1", tuned=True))
    assert field.isEnabled()
    session.set_sampling(replace(session.recipe.sampling, alpha_policy="constant"))
    assert not field.isEnabled()
    assert "server that tunes" in field.kind.toolTip()
    session.set_spec(0, here)
    assert field.isEnabled()
    assert "server" not in field.kind.toolTip()
    assert "alphas of all pairs" in field.kind.toolTip()
