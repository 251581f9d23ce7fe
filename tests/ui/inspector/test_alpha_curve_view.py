"""Tests of the α curve and its marker."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPicture
from PySide6.QtWidgets import QApplication, QComboBox, QLabel
from pytestqt.qtbot import QtBot
from scipy.special import softmax

from app.ui.inspector.alpha_curve_view import AlphaCurveView
from app.ui.inspector.inspector import Inspector
from app.ui.state.session import Session
from app.wording import quoted
from tests.ui.inspector.test_inspector import column, labels


@pytest.fixture
def inspector(finished_session: Session, qtbot: QtBot) -> Inspector:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    view.resize(340, 900)
    with qtbot.waitExposed(view):
        view.show()
    finished_session.selection.select(7)
    return view


@pytest.fixture
def curve(inspector: Inspector) -> AlphaCurveView:
    found = inspector.findChild(AlphaCurveView)
    assert found is not None
    return found


def tuned_at(session: Session, index: int, alphas: tuple[float, ...]) -> np.ndarray:
    """The distribution computed by the formula from the kept logits."""
    assert session.runs.current
    rows = session.runs.current.rows.rows(index)
    assert rows
    shift = sum(
        alpha * (expert.astype(np.float64) - anti)
        for alpha, expert, anti in zip(alphas, rows.experts, rows.antiexperts, strict=True)
    )
    return softmax(rows.base + shift)


def press(curve: AlphaCurveView, key: Qt.Key, qtbot: QtBot, times: int = 1) -> None:
    for _ in range(times):
        qtbot.keyClick(curve._plot, key)


def test_the_marker_starts_at_the_alpha_of_the_run(
    curve: AlphaCurveView, finished_session: Session
) -> None:
    assert finished_session.runs.current
    assert curve._marker.value() == finished_session.runs.current.tokens[7].alphas[0] == 1.0
    assert curve._marker.label.toPlainText() == "α 1.00"


def test_moving_the_marker_shows_the_distribution_there(
    curve: AlphaCurveView, inspector: Inspector, finished_session: Session, qtbot: QtBot
) -> None:
    before = column(inspector, "tuned")
    press(curve, Qt.Key.Key_Right, qtbot, times=10)
    expected = np.sort(tuned_at(finished_session, 7, (1.5, 0.4)))[::-1]
    shown = column(inspector, "tuned")
    assert shown != before
    assert shown == pytest.approx(expected[: len(shown)], abs=1e-6)
    assert "Candidates at α 1.50" in labels(inspector)
    press(curve, Qt.Key.Key_Left, qtbot, times=10)
    assert column(inspector, "tuned") == pytest.approx(before)


def test_another_token_starts_at_its_own_alpha(
    curve: AlphaCurveView, inspector: Inspector, finished_session: Session, qtbot: QtBot
) -> None:
    press(curve, Qt.Key.Key_Right, qtbot, times=3)
    finished_session.selection.select(8)
    assert curve._marker.value() == 1.0
    assert "Candidates at" not in labels(inspector)


def test_another_pair_can_be_chosen(curve: AlphaCurveView, finished_session: Session) -> None:
    pair = curve.findChild(QComboBox)
    assert pair is not None
    assert [pair.itemText(i) for i in range(pair.count())] == ["Shakespeare", "Arithmetic"]
    pair.setCurrentIndex(1)
    assert curve._marker.value() == pytest.approx(0.4)


def test_the_listed_flips_match_the_distribution_at_the_marker(
    curve: AlphaCurveView, finished_session: Session
) -> None:
    assert finished_session.runs.current
    run = finished_session.runs.current
    told = curve._plot.accessibleDescription()
    edges = np.linspace(-2, 4, 2001)
    best = [int(tuned_at(finished_session, 7, (a, 0.4)).argmax()) for a in edges]
    changes = [i for i in range(1, len(best)) if best[i] != best[i - 1]]
    assert ("Most probable token" in told) == bool(changes)
    for i in changes:
        (said,) = re.findall(rf"{re.escape(quoted(run.label(best[i])))} from (−?[\d.]+)", told)
        assert float(said.replace("−", "-")) == pytest.approx(edges[i], abs=0.01)


@pytest.mark.parametrize("kept", [True, False])
def test_every_token_of_a_listed_flip_is_drawn_as_a_curve_with_a_dot(
    curve: AlphaCurveView,
    finished_session: Session,
    kept: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert finished_session.runs.current
    run = finished_session.runs.current
    if not kept:
        monkeypatch.setattr(run.rows, "rows", lambda index: None)
    most = 0
    for index in range(12):
        finished_session.selection.select(index)
        told = curve._plot.accessibleDescription()
        drawn = [line.getData() for line in (*curve._lines, curve._others)]
        places, heights = curve._flips.getData()
        alphas = re.findall(r"from (−?[\d.]+)", told)
        assert [f"{place:.2f}".replace("-", "−") for place in places] == alphas
        for place, height in zip(places, heights, strict=True):
            near = [
                abs(float(np.interp(place, x[start : start + 61], y[start : start + 61])) - height)
                for x, y in drawn
                if x is not None
                for start in range(0, len(x) - 60, 62)
            ]
            assert min(near) < 1e-9
        (_, _), (_, top) = curve._plot.getPlotItem().getViewBox().viewRange()
        assert max(heights, default=0) < top
        most = max(most, len(drawn[-1][0]) if drawn[-1][0] is not None else 0)
    assert most > 62  # at some token, two others than the named ones are the most probable


def test_flips_near_the_marker_are_listed_and_the_plot_does_not_move(
    curve: AlphaCurveView, qtbot: QtBot
) -> None:
    legend = next(
        label for label in curve.findChildren(QLabel) if "Most probable token" in label.text()
    )
    every = legend.toolTip().count(" from ")
    assert every > 2
    place = curve._plot.mapToGlobal(curve._plot.rect().topLeft())
    shown = set()
    for _ in range(50):
        press(curve, Qt.Key.Key_Left, qtbot)
        shown.add(legend.text().partition("\n")[2])
        assert legend.text().count(" from ") <= 2
        assert curve._plot.mapToGlobal(curve._plot.rect().topLeft()) == place
    assert len(shown) > 1


def test_missing_logits_are_reported(
    curve: AlphaCurveView, finished_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finished_session.runs.current
    monkeypatch.setattr(finished_session.runs.current.rows, "rows", lambda index: None)
    finished_session.selection.select(9)
    assert "Estimated from the candidates" in " ".join(
        label.text() for label in curve.findChildren(QLabel)
    )


@pytest.mark.parametrize("highest", [0.022, 0.04, 0.07, 0.1, 0.3, 1.1])
def test_labels_of_small_probabilities_fit_beside_the_axis(
    curve: AlphaCurveView, highest: float, qtbot: QtBot
) -> None:
    curve._plot.getPlotItem().getViewBox().setYRange(0, highest, padding=0.02)
    QApplication.processEvents()
    axis = curve._plot.getPlotItem().getAxis("left")
    picture = QPicture()
    painter = QPainter(picture)
    _, _, texts = axis.generateDrawSpecs(painter)
    painter.end()
    assert len([text for *_, text in texts if float(text) > 0]) >= 2
