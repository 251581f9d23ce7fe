"""One expert pair: its name, its α and its menu."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.ui.recipe.pair_card import PairCard
from app.ui.state.session import Session
from app.ui.widgets.alpha_slider import AlphaSlider
from app.ui.widgets.form_controls import ChoiceBox, NumberBox
from tests.ui.conftest import FakeBridge


@pytest.fixture
def card(qtbot: QtBot, loaded_session: Session) -> PairCard:
    """The card of the second pair, whose α is 0.4 in the recipe."""
    card = PairCard(loaded_session, 1)
    qtbot.addWidget(card)
    card.resize(236, card.sizeHint().height())
    with qtbot.waitExposed(card):
        card.show()
    return card


@pytest.fixture
def slider(card: PairCard) -> AlphaSlider:
    return card.findChild(AlphaSlider)


@pytest.fixture
def number(card: PairCard) -> NumberBox:
    return card.findChild(NumberBox)


def name_of(card: PairCard) -> QLineEdit:
    return next(e for e in card.findChildren(QLineEdit) if e.property("role") == "title")


def actions_of(card: PairCard) -> dict[str, object]:
    menu = card.findChild(QToolButton).menu()
    return {action.text(): action for action in menu.actions() if action.text()}


def turn_wheel(widget: QWidget) -> None:
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def at(slider: AlphaSlider, alpha: float) -> QPoint:
    return QPoint(round(slider.x_of(alpha)), slider.height() // 2)


def test_typing_sets_alpha(
    qtbot: QtBot, session: Session, slider: AlphaSlider, number: NumberBox
) -> None:
    number.selectAll()
    qtbot.keyClicks(number, "-1.25")
    assert session.recipe.alphas == (1.0, -1.25)
    assert slider.value() == -25
    assert number.text() == "-1.25"


@pytest.mark.parametrize(("typed", "alpha"), [("9", 4.0), ("-7.5", -2.0), ("15", 4.0)])
def test_typing_beyond_the_range_is_clamped(
    qtbot: QtBot, session: Session, number: NumberBox, typed: str, alpha: float
) -> None:
    number.selectAll()
    qtbot.keyClicks(number, typed)
    qtbot.keyClick(number, Qt.Key.Key_Return)
    assert session.recipe.alphas[1] == alpha
    assert number.text() == f"{alpha:.2f}"


@pytest.mark.parametrize("typed", ["nan", "inf", "-", "x"])
def test_what_is_no_number_changes_nothing(
    qtbot: QtBot, session: Session, number: NumberBox, typed: str
) -> None:
    number.selectAll()
    qtbot.keyClicks(number, typed)
    qtbot.keyClick(number, Qt.Key.Key_Return)
    assert session.recipe.alphas == (1.0, 0.4)


def test_arrow_keys_move_the_slider_by_one_step(
    qtbot: QtBot, session: Session, slider: AlphaSlider, number: NumberBox
) -> None:
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert session.recipe.alphas[1] == 0.45
    qtbot.keyClick(slider, Qt.Key.Key_PageDown)
    assert session.recipe.alphas[1] == -0.05
    assert number.value() == -0.05


def test_dragging_announces_each_value_once(
    qtbot: QtBot, session: Session, slider: AlphaSlider
) -> None:
    seen: list[float] = []
    session.alphas_changed.connect(lambda: seen.append(session.recipe.alphas[1]))
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=at(slider, 0.4))
    for alpha in (0.4, 1.0, 2.0, 2.0, 3.0):
        qtbot.mouseMove(slider, at(slider, alpha))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at(slider, 3.0))
    assert seen[-1] == pytest.approx(3.0, abs=0.05)
    assert len(seen) == len(set(seen)) <= 4


def test_a_drag_is_undone_as_one(qtbot: QtBot, session: Session, slider: AlphaSlider) -> None:
    for _ in range(3):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    session.undo_stack.undo()
    assert session.recipe.alphas[1] == 0.4
    assert slider.value() == 8


def test_double_click_resets_to_the_recipe(
    qtbot: QtBot, session: Session, slider: AlphaSlider
) -> None:
    session.set_alpha(1, 3.0)
    qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=at(slider, 2.0))
    assert session.recipe.alphas[1] == 0.4


def test_wheel_acts_only_with_focus(
    card: PairCard, session: Session, slider: AlphaSlider, number: NumberBox
) -> None:
    name_of(card).setFocus()
    for control in (slider, number, *card.findChildren(ChoiceBox)):
        turn_wheel(control)
    assert session.recipe.alphas == (1.0, 0.4)
    slider.setFocus()
    turn_wheel(slider)
    assert session.recipe.alphas[1] > 0.4


def test_alpha_acts_while_generating(
    qtbot: QtBot, session: Session, bridge: FakeBridge, slider: AlphaSlider
) -> None:
    session.runs.generate("Once")
    bridge.start_run()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert session.runs.current is not None
    assert session.runs.current.alphas.get() == (1.0, 0.45)


def test_alpha_beyond_the_slider_is_shown_as_it_is(session: Session, number: NumberBox) -> None:
    session.set_alpha(1, 6.5)
    assert number.text() == "6.50"
    assert session.recipe.alphas[1] == 6.5


def test_name_is_edited_in_place(qtbot: QtBot, card: PairCard, session: Session) -> None:
    name = name_of(card)
    name.selectAll()
    qtbot.keyClicks(name, " Sums ")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert session.recipe.pairs[1].name == "Sums"
    assert name.text() == "Sums"
    session.undo_stack.undo()
    assert name.text() == "Arithmetic"


def test_an_empty_name_is_not_taken(qtbot: QtBot, card: PairCard, session: Session) -> None:
    name = name_of(card)
    name.clear()
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert session.recipe.pairs[1].name == "Arithmetic"
    assert name.text() == "Arithmetic"


def test_typing_a_name_survives_changes_elsewhere(
    qtbot: QtBot, card: PairCard, session: Session
) -> None:
    name = name_of(card)
    name.setFocus()
    name.selectAll()
    qtbot.keyClicks(name, "Su")
    session.set_alpha(0, 2.0)
    assert name.text() == "Su"


def test_menu_resets_and_removes(card: PairCard, session: Session) -> None:
    actions = actions_of(card)
    session.set_alpha(1, 3.0)
    actions["Reset α"].trigger()
    assert session.recipe.alphas[1] == 0.4
    actions["Remove pair"].trigger()
    assert [pair.name for pair in session.recipe.pairs] == ["Shakespeare"]


def test_the_last_pair_cannot_be_removed(qtbot: QtBot, session: Session) -> None:
    card = PairCard(session, 0)
    qtbot.addWidget(card)
    remove = actions_of(card)["Remove pair"]
    assert remove.isEnabled()
    session.remove_pair(1)
    assert not remove.isEnabled()


def test_pair_is_fixed_while_running(card: PairCard, session: Session, bridge: FakeBridge) -> None:
    session.runs.generate("Once")
    choices = card.findChildren(ChoiceBox)
    assert not any(choice.isEnabled() for choice in choices)
    assert all("run" in choice.toolTip() for choice in choices)
    assert not actions_of(card)["Remove pair"].isEnabled()
    bridge.finish_run()
    assert all(choice.isEnabled() for choice in choices)
