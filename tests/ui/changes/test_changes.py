"""Tests of the Changes tab: order, filters, shortcuts, table and lazy computation."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QTableView
from pytestqt.qtbot import QtBot

from app.decoding.types import FinishReason
from app.ui.changes.change_model import BASE_CHOICE, PAIR, SHIFT, TOKEN
from app.ui.changes.changes_panel import ChangesPanel
from app.ui.state.runs.change_order import ChangeFilter
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.widgets.bar_delegate import BAR_ROLE, DETAIL_ROLE
from app.ui.widgets.number_table import KEY_ROLE
from app.wording import probability, quoted, signed
from tests.ui.conftest import WORDS, FakeBridge


@pytest.fixture
def panel(finished_session: Session, qtbot: QtBot) -> ChangesPanel:
    return shown(finished_session, qtbot)


def shown(session: Session, qtbot: QtBot) -> ChangesPanel:
    view = ChangesPanel(session)
    qtbot.addWidget(view)
    view.resize(340, 640)
    view.show()
    return view


def current(session: Session) -> Run:
    assert session.runs.current
    return session.runs.current


def by_hand(run: Run) -> list[int]:
    """The expected order: flips, then by size of shift."""
    return [
        token.index
        for token in sorted(
            run.tokens,
            key=lambda t: (not t.attribution.flipped, -abs(t.attribution.shift), t.index),
        )
    ]


def listed(panel: ChangesPanel) -> list[int]:
    model = table(panel).model()
    return [model.index(row, 0).data(KEY_ROLE) for row in range(model.rowCount())]


def table(panel: ChangesPanel) -> QTableView:
    return panel.findChild(QTableView)


def words(panel: ChangesPanel) -> str:
    return "\n".join(label.text() for label in panel.findChildren(QLabel) if label.isVisible())


def row_of(model: QAbstractItemModel, index: int) -> int:
    return next(
        row for row in range(model.rowCount()) if model.index(row, 0).data(KEY_ROLE) == index
    )


def test_flips_come_first_then_tokens_by_size_of_shift(
    panel: ChangesPanel, finished_session: Session
) -> None:
    run = current(finished_session)
    flips = sum(token.attribution.flipped for token in run.tokens)
    assert 0 < flips < len(run.tokens)
    assert listed(panel) == list(finished_session.changes.order()) == by_hand(run)
    assert f"{flips} of 60 tokens are flips" in words(panel)


def test_a_row_has_all_numbers_of_its_token(panel: ChangesPanel, finished_session: Session) -> None:
    run, model = current(finished_session), table(panel).model()
    for row in (0, model.rowCount() - 1):
        token = run.tokens[model.index(row, 0).data(KEY_ROLE)]
        explained = token.attribution
        shares = [abs(share) for share in explained.contributions]
        pair = run.pair_names[shares.index(max(shares))]
        assert model.index(row, SHIFT).data() == signed(explained.shift / math.log(2))
        assert model.index(row, PAIR).data() == pair
        assert (model.index(row, SHIFT).data(BAR_ROLE).length > 0) == (explained.shift > 0)
        choice = quoted(run.label(explained.argmax_base)) if explained.flipped else ""
        assert model.index(row, BASE_CHOICE).data() == choice
        assert choice in (model.index(row, TOKEN).data(DETAIL_ROLE) or "")
        told = model.index(row, TOKEN).data(Qt.ItemDataRole.AccessibleTextRole)
        for part in (quoted(run.label(token.token_id)), probability(explained.p_tuned), pair):
            assert part in told


def test_a_click_and_enter_select_the_token_everywhere(
    panel: ChangesPanel, finished_session: Session, qtbot: QtBot
) -> None:
    view, order = table(panel), listed(panel)
    place = view.visualRect(view.model().index(3, TOKEN)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert finished_session.selection.token == order[3]
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert finished_session.selection.token == order[4]
    finished_session.selection.clear()
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert finished_session.selection.token == order[4]


def test_a_token_selected_elsewhere_is_selected_in_the_table(
    panel: ChangesPanel, finished_session: Session
) -> None:
    for index in (17, 40):
        finished_session.selection.select(index)
        (row,) = table(panel).selectionModel().selectedRows()
        assert row.data(KEY_ROLE) == index
    finished_session.selection.clear()
    assert not table(panel).selectionModel().selectedRows()


def test_shortcuts_follow_the_order_of_the_table(finished_session: Session) -> None:
    changes, selection = finished_session.changes, finished_session.selection
    order = by_hand(current(finished_session))
    changes.move(1)
    assert selection.token == order[0]
    for expected in order[1:4]:
        changes.move(1)
        assert selection.token == expected
    changes.move(-1)
    assert selection.token == order[2]
    selection.select(order[0])
    changes.move(-1)
    assert selection.token == order[0]
    selection.select(order[-1])
    changes.move(1)
    assert selection.token == order[-1]


@pytest.mark.parametrize("text", ["a", "KING", "↵", "no such text"])
def test_the_text_filter_lists_tokens_that_contain_it(
    panel: ChangesPanel, finished_session: Session, text: str
) -> None:
    run = current(finished_session)
    panel.findChild(QLineEdit).setText(text)
    meant = text.lower().replace("↵", "\n")
    expected = [i for i in by_hand(run) if meant in WORDS[run.tokens[i].token_id].lower()]
    assert listed(panel) == expected
    assert ("No token matches" in words(panel)) == (not expected)


def test_filters_by_flip_and_by_pair_apply_to_shortcuts_too(
    panel: ChangesPanel, finished_session: Session
) -> None:
    run, kind = current(finished_session), panel.findChild(QComboBox)
    assert [kind.itemText(i) for i in range(kind.count())] == [
        "All",
        "Flips",
        "Mainly by Shakespeare",
        "Mainly by Arithmetic",
    ]
    kind.setCurrentIndex(1)
    assert listed(panel) == [i for i in by_hand(run) if run.tokens[i].attribution.flipped]
    assert "listed" in words(panel)
    kind.setCurrentIndex(3)
    expected = []
    for index in by_hand(run):
        one, other = map(abs, run.tokens[index].attribution.contributions)
        if other > one:
            expected.append(index)
    assert listed(panel) == expected
    finished_session.changes.move(1)
    assert finished_session.selection.token == expected[0]


@pytest.mark.slow
def test_a_growing_run_keeps_selection_and_scroll_position(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    loaded_session.runs.generate("Once upon a time")
    panel = shown(loaded_session, qtbot)
    assert "Press Generate" in words(panel)
    bridge.start_run()
    bridge.decode(80)
    qtbot.waitUntil(lambda: len(listed(panel)) == 80)
    view = table(panel)
    view.verticalScrollBar().setValue(20)
    chosen = listed(panel)[24]
    loaded_session.selection.select(chosen)
    offset = 24 - view.rowAt(0)
    bridge.decode(80, start=80)
    with qtbot.waitSignal(loaded_session.changes.grown):
        pass
    assert listed(panel) == by_hand(current(loaded_session))
    assert loaded_session.selection.token == chosen
    assert row_of(view.model(), chosen) - view.rowAt(0) == offset


@pytest.mark.slow
def test_tokens_in_quick_succession_are_sorted_once(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    loaded_session.runs.generate("Once upon a time")
    bridge.start_run()
    heard: list[None] = []
    loaded_session.changes.grown.connect(lambda: heard.append(None))
    for start in range(0, 20, 2):
        bridge.decode(2, start=start)
    assert heard == []
    qtbot.waitUntil(lambda: len(heard) == 1)
    bridge.finish_run(FinishReason.LENGTH, 20)


def test_a_run_of_one_role_has_no_shifts(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    runs = loaded_session.runs.generate_all_roles("Once")
    panel = shown(loaded_session, qtbot)
    loaded_session.runs.show(runs[0])
    bridge.decode(1)  # tokens of the tuned run, which was started last
    assert listed(panel) == []
    loaded_session.changes.move(1)
    assert loaded_session.selection.token is None


def test_a_filter_by_pair_is_cleared_for_another_run(
    panel: ChangesPanel, finished_session: Session, bridge: FakeBridge
) -> None:
    finished_session.changes.set_filter(ChangeFilter(pair=1, text="a"))
    bridge.finish_run()
    assert finished_session.changes.filter.pair == 1
    finished_session.runs.generate("Again")
    assert finished_session.changes.filter == ChangeFilter(text="a")
    assert panel.findChild(QLineEdit).text() == "a"
    assert panel.findChild(QComboBox).currentIndex() == 0


def test_a_hidden_tab_computes_nothing(finished_session: Session, qtbot: QtBot) -> None:
    view = ChangesPanel(finished_session)
    qtbot.addWidget(view)
    finished_session.selection.select(3)
    assert table(view).model().rowCount() == 0
    view.show()
    assert len(listed(view)) == 60
    (row,) = table(view).selectionModel().selectedRows()
    assert row.data(KEY_ROLE) == 3


def test_copies_include_hidden_columns(
    panel: ChangesPanel, finished_session: Session, qtbot: QtBot
) -> None:
    view = table(panel)
    view.selectRow(0)
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    head, line = QGuiApplication.clipboard().text().split("\n")
    assert head.split("\t") == ["#", "token", "base → tuned", "shift", "main pair", "base's argmax"]
    assert len(line.split("\t")) == 6


def test_accessible_names_are_set(panel: ChangesPanel) -> None:
    for widget in (table(panel), panel.findChild(QComboBox), panel.findChild(QLineEdit)):
        read = QAccessible.queryAccessibleInterface(widget)
        assert read.text(QAccessible.Text.Name)
    read = QAccessible.queryAccessibleInterface(table(panel))
    told = {read.child(i).text(QAccessible.Text.Name) for i in range(read.childCount())}
    for row in range(60):
        sentence = table(panel).model().index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)
        assert sentence in told
