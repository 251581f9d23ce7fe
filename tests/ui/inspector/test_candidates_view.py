"""Tests of the table of candidates: filters, order, alphas of the marker, and forking."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.attribution.attribution import attribute
from app.attribution.candidates import tabulate
from app.attribution.row_store import RowBudget
from app.engine.commands import Generate
from app.ui.inspector.alpha_curve_view import AlphaCurveView
from app.ui.inspector.candidates_view import CandidatesView
from app.ui.inspector.contribution_bars import ContributionBars
from app.ui.inspector.inspector import Inspector
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.widgets.bar_delegate import BAR_ROLE
from app.ui.widgets.number_table import KEY_ROLE, NumberTable
from app.wording import probability, signed
from tests.ui.conftest import WORDS, FakeBridge
from tests.ui.inspector.test_inspector import column, labels

AT = 7


@pytest.fixture
def inspector(finished_session: Session, qtbot: QtBot) -> Inspector:
    return shown(finished_session, qtbot)


def shown(session: Session, qtbot: QtBot, height: int = 900) -> Inspector:
    view = Inspector(session)
    qtbot.addWidget(view)
    view.resize(340, height)
    view.show()
    session.selection.select(AT)
    return view


def run_of(session: Session) -> Run:
    assert session.runs.current
    return session.runs.current


def table(view: Inspector) -> NumberTable:
    return view.findChild(NumberTable)


def ids(view: Inspector) -> list[int]:
    model = table(view).model()
    return [model.index(row, 0).data(KEY_ROLE) for row in range(model.rowCount())]


def kinds(view: Inspector) -> QComboBox:
    return view.findChild(CandidatesView).findChild(QComboBox)


def back(view: Inspector) -> QPushButton:
    buttons = view.findChild(AlphaCurveView).findChildren(QPushButton)
    return next(button for button in buttons if "Back" in button.text())


def go_on(view: Inspector) -> QPushButton:
    return next(b for b in view.findChildren(QPushButton) if b.text() == "Generate from here")


# Filters


@pytest.mark.parametrize("text", ["a", "THE", "↵", "#7", "no such"])
def test_the_text_filter_shows_candidates_that_contain_it(
    inspector: Inspector, finished_session: Session, text: str
) -> None:
    every = ids(inspector)
    inspector.findChild(QLineEdit).setText(text)
    meant = text.lower().replace("↵", "\n")
    expected = [7] if text == "#7" else [i for i in every if meant in WORDS[i].lower()]
    assert ids(inspector) == expected


def test_filters_by_sign_of_shift_and_by_pair(
    inspector: Inspector, finished_session: Session
) -> None:
    found = tabulate(run_of(finished_session).candidates(AT))
    shift = dict(zip(map(int, found.token_ids), found.p_tuned - found.p_base, strict=True))
    strongest = dict(
        zip(map(int, found.token_ids), abs(found.contributions).argmax(axis=0), strict=True)
    )
    every, box = ids(inspector), kinds(inspector)
    titles = [box.itemText(i) for i in range(box.count())]
    assert titles[1:3] == ["Raised", "Lowered"]
    for place, keep in (
        (1, lambda i: shift[i] > 0),
        (2, lambda i: shift[i] < 0),
        (titles.index("Mainly by Arithmetic"), lambda i: strongest[i] == 1),
    ):
        box.setCurrentIndex(place)
        assert ids(inspector) == [i for i in every if keep(i)]


def test_every_contribution_has_a_signed_bar_and_its_number(inspector: Inspector) -> None:
    model = table(inspector).model()
    head = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    place = head.index("Shakespeare")
    for row, share in enumerate(column(inspector, "Shakespeare")):
        assert isinstance(share, float)
        cell = model.index(row, place)
        bar = cell.data(BAR_ROLE)
        assert bar.signed
        assert (bar.length > 0) == (share > 0)
        assert cell.data() == signed(share)
        assert cell.data(Qt.ItemDataRole.AccessibleTextRole).endswith(signed(share))


# The α marker


def try_alpha(view: Inspector, alpha: float) -> None:
    view.findChild(AlphaCurveView)._move_marker(alpha)


def test_all_parts_show_the_alphas_of_the_marker(
    inspector: Inspector, finished_session: Session
) -> None:
    run = run_of(finished_session)
    rows = run.rows.rows(AT)
    assert rows
    try_alpha(inspector, 2.0)
    there = attribute(rows, (2.0, 0.4), run.tokens[AT].token_id)
    told = labels(inspector)
    base, tuned = probability(there.p_base), probability(there.p_tuned)
    assert f"base {base} → tuned {tuned}" in told
    assert f"rank {there.rank_tuned} (base {there.rank_base})" in told
    assert "Shakespeare 2.00 instead of 1, Arithmetic 0.4" in told
    entropies = f"{there.entropy_base / 0.6931:.2f} → {there.entropy_tuned / 0.6931:.2f} bits"
    assert f"Entropy {entropies}" in told
    bars = inspector.findChild(ContributionBars).accessibleDescription()
    assert bars.startswith(f"Shakespeare {signed(there.contributions[0])}")
    assert ("flip" in told) == there.flipped


def test_the_reset_button_is_visible_only_at_another_alpha(
    inspector: Inspector, finished_session: Session, qtbot: QtBot
) -> None:
    before = labels(inspector)
    assert not back(inspector).isVisible()
    try_alpha(inspector, -1.0)
    assert back(inspector).isVisible()
    assert back(inspector).text() == "Back to α 1.00"
    qtbot.mouseClick(back(inspector), Qt.MouseButton.LeftButton)
    assert not back(inspector).isVisible()
    assert labels(inspector) == before


def test_a_marker_near_the_alpha_of_the_run_means_that_alpha(
    inspector: Inspector, finished_session: Session
) -> None:
    before = labels(inspector)
    try_alpha(inspector, 1.01)
    assert not back(inspector).isVisible()
    assert labels(inspector).splitlines()[:5] == before.splitlines()[:5]


def test_moving_the_marker_keeps_selection_and_scroll_position(
    finished_session: Session, qtbot: QtBot
) -> None:
    view = shown(finished_session, qtbot, height=520)
    numbers = table(view)
    chosen = ids(view)[6]
    numbers.go_to(6)
    numbers.scrollTo(numbers.model().index(6, 0))
    try_alpha(view, 1.05)
    assert [index.data(KEY_ROLE) for index in numbers.selectionModel().selectedRows()] == [chosen]
    visible = numbers.visualRect(numbers.model().index(ids(view).index(chosen), 0))
    assert numbers.viewport().rect().contains(visible.center())


def test_estimates_are_labelled(loaded_session: Session, bridge: FakeBridge, qtbot: QtBot) -> None:
    loaded_session.runs.budget.set_bound(1)
    loaded_session.runs.generate("Once")
    bridge.start_run()
    bridge.decode(20)
    bridge.finish_run(tokens=20)
    assert isinstance(loaded_session.runs.budget, RowBudget)
    assert run_of(loaded_session).rows.rows(AT) is None
    view = shown(loaded_session, qtbot)
    assert "Candidates, estimated" not in labels(view)  # exact at the alphas of the run
    try_alpha(view, 2.0)
    told = labels(view)
    assert "Candidates at α 2.00, estimated" in told
    assert "tuned about" in told or "flip" in told
    assert "Contribution of each pair, approximate" in told
    assert "→ about" in told
    chosen = ids(view)[2]
    table(view).go_to(2)
    qtbot.keyClick(table(view), Qt.Key.Key_Return)
    assert forced(bridge) == (chosen,)


# Forking


def forced(bridge: FakeBridge) -> tuple[int, ...]:
    command = bridge.last(Generate)
    assert isinstance(command, Generate)
    return command.forced


def test_enter_and_the_button_start_a_branch_from_a_candidate(
    inspector: Inspector, finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    run = run_of(finished_session)
    chosen = ids(inspector)[2]
    table(inspector).go_to(2)
    qtbot.keyClick(table(inspector), Qt.Key.Key_Return)
    branch = run_of(finished_session)
    assert (branch.parent, branch.fork, forced(bridge)) == (run, AT, (chosen,))
    assert not go_on(inspector).isEnabled()
    bridge.finish_run()
    finished_session.runs.show(run)
    finished_session.selection.select(AT + 1)
    assert go_on(inspector).isEnabled()
    table(inspector).go_to(1)
    chosen = ids(inspector)[1]
    qtbot.mouseClick(go_on(inspector), Qt.MouseButton.LeftButton)
    assert run_of(finished_session).fork == AT + 1
    assert forced(bridge) == (chosen,)


def test_no_branch_starts_while_a_run_is_active(
    inspector: Inspector, finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    finished_session.runs.continue_run(5)
    before = len(bridge.commands)
    table(inspector).go_to(2)
    qtbot.keyClick(table(inspector), Qt.Key.Key_Return)
    assert len(bridge.commands) == before


def test_the_last_token_of_a_stepped_run_is_replaced(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    loaded_session.runs.step("Once")
    bridge.start_run()
    bridge.decode(1)
    bridge.finish_run(tokens=1)
    view = shown(loaded_session, qtbot)
    assert loaded_session.selection.token == 0
    chosen = ids(view)[3]
    table(view).go_to(3)
    qtbot.keyClick(table(view), Qt.Key.Key_Return)
    assert forced(bridge) == (chosen,)
    assert len(loaded_session.runs.all) == 1


def test_rows_are_copied(inspector: Inspector, qtbot: QtBot) -> None:
    table(inspector).selectAll()
    qtbot.keyClick(table(inspector), Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().split("\n")
    assert len(lines) == 1 + len(ids(inspector))
    assert lines[0].startswith("token\ttuned\tbase\tShakespeare\tArithmetic\t")


# One role, hidden panels, names


def test_a_run_of_one_role_shows_no_pairs(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    loaded_session.runs.generate("Once")
    run = run_of(loaded_session)
    run.role = 2
    run.alphas.set(())
    bridge.start_run()
    bridge.decode(10)
    view = shown(loaded_session, qtbot)
    told = labels(view)
    assert "without pairs" in told
    assert "What each pair" not in told
    assert not any(widget.isVisible() for widget in view.findChildren(AlphaCurveView))
    model = table(view).model()
    titles = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    assert titles == ["token", "probability", "rank"]
    assert not kinds(view).isVisible()


def test_a_hidden_tab_is_updated_when_it_is_shown(finished_session: Session, qtbot: QtBot) -> None:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    finished_session.selection.select(AT)
    assert table(view).model().rowCount() == 0
    view.show()
    assert table(view).model().rowCount() > 0


def test_all_parts_have_accessible_names(inspector: Inspector) -> None:
    named = [table(inspector), inspector.findChild(QLineEdit), kinds(inspector)]
    for widget in (*named, inspector.findChild(ContributionBars)):
        assert QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in _dynamic(inspector))


def _dynamic(inspector: Inspector) -> list[QLabel]:
    return [label for label in inspector.findChildren(QLabel) if "“" in label.text()]


def test_names_of_pairs_are_whole_where_they_have_room(inspector: Inspector) -> None:
    """A narrow column shortens them, so that all contributions stay visible."""
    shares = table(inspector)
    names = (3, 4)
    header = shares.horizontalHeader()

    def whole() -> bool:
        return all(shares.columnWidth(c) >= header.sectionSizeHint(c) for c in names)

    inspector.resize(700, 900)
    QApplication.processEvents()
    assert whole()
    inspector.resize(260, 900)
    QApplication.processEvents()
    last = names[-1]
    room = shares.viewport().width()
    assert whole() is (sum(shares.columnWidth(c) for c in range(last + 1)) <= room)


def test_contributions_are_visible_in_the_width_that_the_first_table_gets(
    finished_session: Session, qtbot: QtBot
) -> None:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    view.resize(420, 900)
    view.show()
    finished_session.selection.select(AT)  # the table is shown, and laid out, only now
    QApplication.processEvents()
    shares = table(view)
    room = shares.viewport().width()
    assert sum(shares.columnWidth(column) for column in range(5)) <= room
