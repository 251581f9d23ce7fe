"""Tests of the inspector against the attribution of the selected token."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea, QTableView
from pytestqt.qtbot import QtBot
from shiboken6 import delete, isValid

from app.attribution.candidates import tabulate
from app.attribution.measures import BIT, Unit
from app.attribution.plot_measure import PlotMeasure
from app.checkpoints.spec import CheckpointSpec
from app.ui.inspector.alpha_curve_view import AlphaCurveView
from app.ui.inspector.candidate_model import CandidateModel
from app.ui.inspector.candidates_view import CandidatesView
from app.ui.inspector.contribution_bars import ContributionBars
from app.ui.inspector.inspector import Inspector
from app.ui.inspector.token_description import TokenDescription
from app.ui.state.session import Session
from app.ui.widgets.bar_delegate import SORT_ROLE
from app.wording import probability, signed
from tests.ui.conftest import FakeBridge


@pytest.fixture
def inspector(finished_session: Session, qtbot: QtBot) -> Inspector:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    view.resize(340, 640)
    view.show()
    finished_session.selection.select(7)
    return view


def labels(view: Inspector) -> str:
    return "\n".join(label.text() for label in view.findChildren(QLabel) if label.isVisible())


def column(view: Inspector, title: str) -> list[object]:
    """Values of a column of the table, in the shown order."""
    table = view.findChild(QTableView)
    model = table.model()
    titles = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    place = titles.index(title)
    return [model.index(row, place).data(SORT_ROLE) for row in range(model.rowCount())]


def test_without_a_selection_instructions_are_shown(session: Session, qtbot: QtBot) -> None:
    view = Inspector(session)
    qtbot.addWidget(view)
    view.show()
    assert "Select a token" in labels(view)


def test_the_token_is_described_by_its_attribution(
    inspector: Inspector, finished_session: Session
) -> None:
    assert finished_session.runs.current is not None
    explained = finished_session.runs.current.tokens[7].attribution
    shown = labels(inspector)
    assert f"token 8 · rank {explained.rank_tuned} (base {explained.rank_base})" in shown
    told = f"base {probability(explained.p_base)} → tuned {probability(explained.p_tuned)}"
    assert told in shown
    assert "Shakespeare 1, Arithmetic 0.4" in shown
    bars = inspector.findChild(ContributionBars)
    expected = f"Shakespeare {signed(explained.contributions[0])}"
    assert bars.accessibleDescription().startswith(expected)


def test_the_numbers_have_the_unit_of_the_plot(
    inspector: Inspector, finished_session: Session
) -> None:
    run, display = finished_session.runs.current, finished_session.display
    assert run is not None
    explained = run.tokens[7].attribution
    in_bits = [
        each / BIT for each in (explained.entropy_base, explained.entropy_tuned, explained.kl)
    ]
    told = "Entropy {:.2f} → {:.2f} {unit} · KL(tuned‖base) {:.2f} {unit}"
    assert told.format(*in_bits, unit="bits") in labels(inspector)
    display.set_plot_unit(Unit.NATS)
    display.set_plot_measures(PlotMeasure.LOG_PROBABILITY)
    in_nats = (explained.entropy_base, explained.entropy_tuned, explained.kl)
    assert told.format(*in_nats, unit="nats") in labels(inspector)
    bars = inspector.findChild(ContributionBars)
    expected = "Shakespeare {:+.2f} nats; Arithmetic {:+.2f} nats"
    shares = expected.format(*explained.logprob_contributions).replace("-", "−")
    assert bars.accessibleDescription() == shares
    display.set_plot_measures(PlotMeasure.PROBABILITY)
    assert bars.accessibleDescription().startswith(
        f"Shakespeare {signed(explained.contributions[0])}"
    )


def test_a_flip_shows_the_argmax_of_the_base(
    inspector: Inspector, finished_session: Session
) -> None:
    run = finished_session.runs.current
    assert run is not None
    finished_session.selection.select(None)
    finished_session.selection.move_to_flip(1)
    assert finished_session.selection.token is not None
    explained = run.tokens[finished_session.selection.token].attribution
    assert explained.flipped
    assert f"under the base is “{run.label(explained.argmax_base)}”" in labels(inspector).replace(
        "↵", "\n"
    )


def test_candidates_come_most_probable_first_and_add_up(
    inspector: Inspector, finished_session: Session
) -> None:
    run = finished_session.runs.current
    assert run is not None
    table = tabulate(run.candidates(7))
    tuned = column(inspector, "tuned")
    assert tuned == sorted(tuned, reverse=True)
    assert tuned == pytest.approx(list(table.p_tuned))
    pairs = zip(column(inspector, "Shakespeare"), column(inspector, "Arithmetic"), strict=True)
    shifts = [a - b for a, b in zip(tuned, column(inspector, "base"), strict=True)]
    assert [sum(pair) for pair in pairs] == pytest.approx(shifts, abs=1e-6)
    assert sorted(column(inspector, "rank")) == list(range(1, len(tuned) + 1))


def test_the_chosen_token_is_the_selected_row(
    inspector: Inspector, finished_session: Session
) -> None:
    run = finished_session.runs.current
    assert run is not None
    table = inspector.findChild(QTableView)
    for index in (7, 20, 3):
        finished_session.selection.select(index)
        row = table.selectionModel().selectedRows()[0]
        assert row.data(SORT_ROLE) == run.label(run.tokens[index].token_id)


def test_a_click_on_a_header_sorts_permanently(
    inspector: Inspector, finished_session: Session
) -> None:
    table = inspector.findChild(QTableView)
    table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    finished_session.selection.select(12)
    base = column(inspector, "base")
    assert base == sorted(base, reverse=True)


def test_numbers_are_right_aligned_and_explained(inspector: Inspector) -> None:
    model = inspector.findChild(CandidateModel)
    cell = model.index(0, 1)
    assert cell.data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
    assert "after tuning" in cell.data(Qt.ItemDataRole.ToolTipRole)


@pytest.mark.slow
def test_in_a_low_window_the_column_scrolls(finished_session: Session, qtbot: QtBot) -> None:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    view.resize(310, 430)
    with qtbot.waitExposed(view):
        view.show()
    finished_session.selection.select(7)
    QApplication.processEvents()
    story, candidates = view.findChild(TokenDescription), view.findChild(CandidatesView)
    curve, area = view.findChild(AlphaCurveView), view.findChild(QScrollArea)
    assert story
    assert candidates
    assert curve
    assert area
    assert story.height() >= story.heightForWidth(story.width())
    assert story.geometry().bottom() < candidates.y()
    assert candidates.geometry().bottom() < curve.y()
    assert area.verticalScrollBar().maximum() > 0


def test_no_branch_can_be_started_on_a_server_that_tunes(
    inspector: Inspector, finished_session: Session
) -> None:
    buttons = inspector.findChildren(QPushButton)
    (start,) = (each for each in buttons if each.text() == "Generate from here")
    assert start.isEnabled()
    here = finished_session.recipe.base
    there = replace(here, source="endpoint:http://gpu:8000/v1", tuned=True)
    finished_session.set_spec(0, there)
    assert not start.isEnabled()
    assert "tuned on a server" in start.toolTip()
    finished_session.set_spec(0, here)
    assert start.isEnabled()
    assert "Start a branch" in start.toolTip()


def test_a_run_of_a_server_that_tunes_has_no_coverage(
    inspector: Inspector, finished_session: Session
) -> None:
    """The server samples from whole rows; the candidates that it sends are no share of them."""
    run = finished_session.runs.current
    assert run is not None
    for tuned in (False, True):
        there = CheckpointSpec("endpoint:http://gpu:8000/v1", tuned=tuned)
        run.recipe = run.recipe.with_role(0, there)
        finished_session.selection.select(8 if tuned else 6)
        assert ("The server returned tokens with" in labels(inspector)) != tuned


def pass_time(view: Inspector) -> None:
    """Let the timer of what is made ahead end, if it runs."""
    if view._ahead.isActive():
        view._ahead.stop()
        view._ahead.timeout.emit()


def test_the_alpha_curve_is_made_before_a_token_is_selected(
    finished_session: Session, qtbot: QtBot
) -> None:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    view.show()
    assert view.findChild(AlphaCurveView) is None  # not while the run is painted
    pass_time(view)
    made = view.findChild(AlphaCurveView)
    assert made is not None
    assert not made.isVisible()
    assert "Select a token" in labels(view)
    finished_session.selection.select(7)
    assert view.findChildren(AlphaCurveView) == [made]
    assert made.isVisible()
    assert not view._ahead.isActive()


def test_the_alpha_curve_is_not_made_ahead_without_a_run(session: Session, qtbot: QtBot) -> None:
    view = Inspector(session)
    qtbot.addWidget(view)
    view.show()
    assert not view._ahead.isActive()


def test_the_alpha_curve_is_not_made_ahead_while_tokens_are_generated(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    view = Inspector(loaded_session)
    qtbot.addWidget(view)
    view.show()
    loaded_session.runs.generate("Once")
    bridge.start_run()
    bridge.decode(3)
    pass_time(view)
    assert view.findChild(AlphaCurveView) is None
    bridge.finish_run()
    pass_time(view)
    assert view.findChild(AlphaCurveView) is not None


def test_no_alpha_curve_is_made_ahead_for_a_run_without_pairs(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    loaded_session.runs.generate("Once")
    run = loaded_session.runs.current
    assert run is not None
    run.role = 2
    run.alphas.set(())
    bridge.start_run()
    bridge.decode(3)
    bridge.finish_run()
    view = Inspector(loaded_session)
    qtbot.addWidget(view)
    view.show()
    assert not view._ahead.isActive()


def test_a_hidden_inspector_makes_no_alpha_curve(finished_session: Session, qtbot: QtBot) -> None:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    view.show()
    assert view._ahead.isActive()
    view.hide()
    pass_time(view)
    assert view.findChild(AlphaCurveView) is None


def test_the_timer_of_the_alpha_curve_ends_with_the_inspector(
    finished_session: Session, qtbot: QtBot
) -> None:
    view = Inspector(finished_session)
    view.show()
    timer = view._ahead
    assert timer.isActive()
    delete(view)
    assert not isValid(timer)
