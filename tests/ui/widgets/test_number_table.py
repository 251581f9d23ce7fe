"""Tests of the table of numbers: copying, choosing, and resets of the model."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.widgets.figures_model import Cell, FiguresModel, Heading
from app.ui.widgets.number_table import NumberTable
from app.ui.widgets.table_text import as_markdown, as_text

CONTROL = Qt.KeyboardModifier.ControlModifier


def fill(model: FiguresModel, names: list[str]) -> None:
    model.show([[Cell(name), Cell(f"{len(name)}.0")] for name in names])


@pytest.fixture
def model(qtbot: QtBot) -> FiguresModel:
    made = FiguresModel([Heading("token", number=False), Heading("tuned")])
    fill(made, [f"row {place:02d}" for place in range(40)])
    return made


@pytest.fixture
def table(model: FiguresModel, qtbot: QtBot) -> NumberTable:
    view = NumberTable(model, "Numbers")
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show()
    return view


def test_rows_are_copied_as_text_with_tabs_or_as_markdown(model: FiguresModel) -> None:
    fill(model, ["“a”", "“|*_”"])
    assert as_text(model, [0, 1]) == "token\ttuned\n“a”\t3.0\n“|*_”\t5.0"
    assert as_markdown(model, [1]) == "| token | tuned |\n| --- | --: |\n| “\\|\\*\\_” | 5.0 |"


def test_selected_rows_are_copied_from_the_top_down(table: NumberTable, qtbot: QtBot) -> None:
    table.selectRow(5)
    place = table.visualRect(table.model().index(2, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, CONTROL, place)
    qtbot.keyClick(table, Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "token\ttuned\nrow 02\t6.0\nrow 05\t6.0"
    markdown = next(action for action in table.actions() if "Markdown" in action.text())
    markdown.trigger()
    assert QGuiApplication.clipboard().text().splitlines()[1] == "| --- | --: |"


def test_nothing_selected_copies_nothing(table: NumberTable, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText("before")
    qtbot.keyClick(table, Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "before"


def test_enter_and_double_click_choose_a_row_but_not_with_modifiers(
    table: NumberTable, qtbot: QtBot
) -> None:
    chosen: list[int] = []
    table.chosen.connect(lambda index: chosen.append(QModelIndex(index).row()))
    table.selectRow(3)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        qtbot.keyClick(table, key)
    qtbot.keyClick(table, Qt.Key.Key_Return, CONTROL)
    assert chosen == [3, 3]
    place = table.visualRect(table.model().index(1, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen == [3, 3, 1]


def test_moved_is_emitted_for_user_actions_only(table: NumberTable, qtbot: QtBot) -> None:
    moved: list[int] = []
    table.moved.connect(lambda index: moved.append(index.row()))
    table.go_to(4)
    assert moved == []
    assert table.chosen_rows() == [4]
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert moved == [5]


def test_a_reset_keeps_selection_and_scroll_position(
    table: NumberTable, model: FiguresModel
) -> None:
    table.go_to(20)
    table.scrollTo(model.index(22, 0))
    names = [str(model.index(row, 0).data()) for row in range(40)]
    offset = 20 - table.rowAt(0)
    with table.kept(model.row_of):
        fill(model, ["new 1", "new 2", "new 3", *names])
    assert table.chosen_rows() == [23]
    assert table.currentIndex().data() == "row 20"
    assert 23 - table.rowAt(0) == offset


def test_a_view_at_the_top_stays_there_and_removed_rows_are_unselected(
    table: NumberTable, model: FiguresModel
) -> None:
    with table.kept(model.row_of):
        fill(model, ["first", *(f"row {place:02d}" for place in range(40))])
    assert table.rowAt(0) == 0
    table.go_to(0)
    with table.kept(model.row_of):
        fill(model, [f"row {place:02d}" for place in range(40)])
    assert table.chosen_rows() == []


def test_a_table_that_fits_is_as_high_as_its_rows(model: FiguresModel, qtbot: QtBot) -> None:
    view = NumberTable(model, "Numbers", fits=True, wide=0)
    qtbot.addWidget(view)
    view.resize(300, 100)
    view.show()
    full = view.height()
    fill(model, ["one", "two"])
    rows = 2 * view.verticalHeader().defaultSectionSize()
    assert rows < view.height() < full
    assert view.height() - rows < 60
    assert view.horizontalHeader().length() == view.viewport().width()


def test_the_current_row_stays_in_view_when_the_table_gets_lower(
    model: FiguresModel, table: NumberTable
) -> None:
    fill(model, [str(number) for number in range(40)])
    table.go_to(20)
    table.resize(300, 110)
    row = table.visualRect(model.index(20, 0))
    assert table.viewport().rect().contains(row)
    table.verticalScrollBar().setValue(0)  # scrolled away from the row
    table.resize(300, 150)
    assert table.verticalScrollBar().value() == 0


def test_larger_fonts_make_higher_rows(table: NumberTable) -> None:
    before = table.verticalHeader().defaultSectionSize()
    font = table.font()
    font.setPointSizeF(2 * font.pointSizeF())
    table.setFont(font)
    assert table.verticalHeader().defaultSectionSize() > 1.5 * before


def test_focus_by_tab_selects_a_row(model: FiguresModel, qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    first, second = QWidget(parent), NumberTable(model, "Numbers", parent=parent)
    first.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    with qtbot.waitActive(parent):
        parent.show()
        parent.activateWindow()
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    assert second.hasFocus()
    assert second.chosen_rows() == [0]
