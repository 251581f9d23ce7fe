"""In a window that is too low for all parts of its middle column, some give way; none overlap."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QLabel, QSizePolicy, QSplitterHandle, QWidget
from pytestqt.qtbot import QtBot

from app.attribution.measures import Measure
from app.attribution.plot_measure import PlotMeasure
from app.attribution.tint_scale import Tint
from app.attribution.token_query import Criterion
from app.engine.controls import LiveAlphas
from app.errors import ModelError
from app.ui.main_window import MainWindow
from app.ui.plot.plot_head import PlotHead
from app.ui.plot.plot_hint import PlotHint
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.text.prompt_editor import PromptEditor
from app.ui.text.query_fields import PATTERN, WORDS
from app.ui.text.tint_hint import TintHint
from app.ui.text.transcript import TranscriptView
from app.ui.theme import SPACE
from app.ui.what_if.what_if_bar import WhatIfBar
from app.ui.widgets.form_controls import _ARROW_WIDTH
from app.ui.widgets.space_saver import SpaceSaver

pytestmark = pytest.mark.slow


@pytest.fixture
def window(finished_session: Session, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """A window with everything open: error, Find, two plots, hints."""
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(finished_session, store)
    qtbot.addWidget(window)
    window.add_plot()
    with qtbot.waitExposed(window):
        window.show()
    show_two(finished_session)
    window.find_bar.enter()
    finished_session.report(
        ModelError(
            "The model cannot be read",
            evidence="somewhere in a file",
            next_step="Choose another file, and load the models again.",
        )
    )
    return window


def show_two(session: Session) -> None:
    session.display.set_plot_measures(PlotMeasure.LOG_PROBABILITY, PlotMeasure.KL)


def settle() -> None:
    for _ in range(5):  # each pass may post layout requests for the next one
        QApplication.processEvents()


def resize(window: MainWindow, width: int, height: int) -> None:
    window.resize(width, height)
    settle()


def shown_children(widget: QWidget) -> list[QWidget]:
    children = widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return [
        child
        for child in children
        if child.isVisible() and not child.isWindow() and not isinstance(child, QSplitterHandle)
    ]


def parts(window: MainWindow) -> list[QWidget]:
    """The columns; the middle one with its cards and bars, and what lies on them."""
    plot = window.findChild(ShiftPlot)
    prompt = window.findChild(PromptEditor)
    card = plot.parentWidget()
    splitter = card.parentWidget()
    column = splitter.parentWidget()
    assert prompt.parentWidget() is column
    foot = plot._foot
    bars = [window.find_bar, window.find_bar.fields, window.findChild(WhatIfBar)]
    text = window.findChild(TranscriptView)
    columns = column.parentWidget()
    on_plot = [plot, plot.findChild(PlotHead), foot]
    return [columns, column, splitter, prompt, *bars, text, card, *on_plot]


def faults(window: MainWindow) -> list[str]:
    """Which widgets overlap, or are lower than the least height that they ask for."""
    found = []
    for part in parts(window):
        children = shown_children(part)
        found += [
            f"{type(one).__name__} overlaps {type(other).__name__}"
            for one, other in combinations(children, 2)
            if one.geometry().intersects(other.geometry())
        ]
        for child in children:
            least = child.minimumHeight() or child.minimumSizeHint().height()
            if child.height() < least:
                found.append(f"{type(child).__name__}: {child.height()} < {least}")
            narrowest = child.minimumWidth() or child.minimumSizeHint().width()
            if child.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Ignored:
                narrowest = child.minimumWidth()
            if child.width() < narrowest:
                found.append(f"{type(child).__name__}: {child.width()} wide < {narrowest}")
            if not part.rect().contains(child.geometry()):
                found.append(f"{type(child).__name__} is cut by {type(part).__name__}")
    return found


SMALL = [(1280, 640), (1024, 600), (900, 560)]
"""Sizes down to the smallest of the window."""


@pytest.mark.parametrize("measures", [1, 2])
@pytest.mark.parametrize(
    ("width", "height"),
    [
        *[(1920, 1080), (1600, 900), (1440, 780), (1366, 768), (1280, 720), (1280, 690)],
        *[(1100, 720), *SMALL],
    ],
)
def test_nothing_overlaps_or_is_cut(
    window: MainWindow, width: int, height: int, measures: int
) -> None:
    if measures == 1:
        window._session.display.set_plot_measures(PlotMeasure.PROBABILITY)
    resize(window, width, height)
    assert window.height() == height
    assert faults(window) == []


@pytest.mark.parametrize("find", [True, False])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), *SMALL])
def test_nothing_overlaps_with_a_what_if_question(
    window: MainWindow, width: int, height: int, find: bool
) -> None:
    window._session.clear_problem()
    window.find_bar.setVisible(find)
    window.findChild(WhatIfBar).enter()
    resize(window, width, height)
    assert faults(window) == []
    if find:
        window.find_bar.fields.choose(Criterion.LOWERED)
        settle()
        assert faults(window) == []


def test_a_window_as_small_as_can_be_keeps_the_plot_without_bars(window: MainWindow) -> None:
    window._session.clear_problem()
    window.find_bar.hide()
    resize(window, 900, 560)
    plot = window.findChild(ShiftPlot)
    assert plot.pane.isVisible()
    assert faults(window) == []
    window.find_bar.enter()
    what_if = window.findChild(WhatIfBar)
    what_if.enter()
    settle()
    assert plot.pane.isHidden()
    readout = plot._foot.readout
    assert readout.full_text == "No room for the plot"
    window._session.selection.select(0)
    assert readout.full_text.startswith("1 ")
    assert plot.parentWidget().height() < 2 * plot._foot.height()
    window._panels.set_detached(True)
    settle()
    assert plot.pane.isVisible()
    window._panels.set_detached(False)
    settle()
    assert plot.pane.isHidden()
    window.find_bar.leave()
    what_if.leave()
    settle()
    assert plot.pane.isVisible()
    assert faults(window) == []


def test_a_closed_plot_comes_back_as_high_as_it_was(window: MainWindow) -> None:
    window._session.clear_problem()
    window.find_bar.hide()
    resize(window, 1280, 690)
    rows = window._rows
    rows.setSizes([rows.height() - 230, 230])
    settle()
    before = rows.sizes()
    assert before[1] == 230
    resize(window, 1280, 560)
    window.find_bar.enter()
    window.findChild(WhatIfBar).enter()
    settle()
    assert window.findChild(ShiftPlot).pane.isHidden()
    window.find_bar.leave()
    window.findChild(WhatIfBar).leave()
    resize(window, 1280, 690)
    assert window.findChild(ShiftPlot).pane.isVisible()
    assert sum(rows.sizes()) == sum(before)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), *SMALL])
def test_fitting_comes_to_an_end(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    """Steps that are taken and taken back in turn would keep the window busy for ever."""
    window._session.clear_problem()
    window.find_bar.hide()
    window._session.display.set_plot_measures(PlotMeasure.PROBABILITY)
    resize(window, width, height)
    fitted = []
    monkeypatch.setattr(SpaceSaver, "fit", fitted.append)
    settle()
    settle()
    assert fitted == []


@pytest.mark.parametrize("width", [1024, 1280])
def test_the_kind_of_a_search_is_readable(window: MainWindow, width: int) -> None:
    fields = window.find_bar.fields
    resize(window, width, 600)
    for kind in (Criterion.LOWERED, PATTERN, WORDS):
        fields.choose(kind)
        settle()
        shown = fields.kind.currentText()
        assert fields.kind._shortened(fields.kind.width() - SPACE - _ARROW_WIDTH) == shown
        assert fields.field.width() >= 80


def test_parts_give_way_in_order_and_come_back(window: MainWindow) -> None:
    plot, prompt = window.findChild(ShiftPlot), window.findChild(PromptEditor)
    hint = window.findChild(PlotHint)
    taken = []
    heights = [1080, *range(800, 559, -10)]
    for height in [*heights, *reversed(heights)]:
        resize(window, 1280, height)
        state = (
            not hint.isVisible(),
            prompt.edit.room is not None,
            not plot.second.isVisible(),
            not plot.pane.isVisible(),
            prompt.edit.room == 1,
        )
        assert state == tuple(sorted(state, reverse=True))  # none before those that come first
        taken.append(sum(state))
    lowest = len(heights)
    assert taken[0] == taken[-1] == 0
    assert taken[lowest - 1] == 4
    assert taken[:lowest] == sorted(taken[:lowest])
    assert taken[lowest:] == sorted(taken[lowest:], reverse=True)


def test_a_plot_without_room_says_so_and_is_shown_when_detached(window: MainWindow) -> None:
    plot = window.findChild(ShiftPlot)
    resize(window, 1280, 600)
    assert plot.second.isHidden()
    menu = plot.findChild(PlotHead).second
    assert menu.text().startswith("KL(tuned‖base) (no room)")
    assert "too low" in menu.toolTip()
    window._panels.set_detached(True)
    resize(window, 1280, 600)
    assert plot.second.isVisible()
    assert "no room" not in menu.text()
    window._panels.set_detached(False)
    resize(window, 1280, 600)
    assert plot.second.isHidden()


def test_a_dismissed_bar_makes_room(window: MainWindow) -> None:
    what_if = window.findChild(WhatIfBar)
    what_if.enter()
    resize(window, 1280, 720)
    hint = window.findChild(PlotHint)
    assert hint.isHidden()
    what_if.leave()
    window._session.display.set_plot_measures(PlotMeasure.PROBABILITY)
    window.find_bar.hide()
    window._session.clear_problem()
    resize(window, 1280, 720)
    assert hint.isVisible()
    assert faults(window) == []


P = PlotMeasure
PAIRS, ALL, LINES = (
    "Bars: what each pair gave or took.",
    "how far all pairs moved the distribution.",
    "Lines: under the base (dashed) and tuned.",
)


@pytest.mark.parametrize(
    ("measures", "text"),
    [
        ((P.PROBABILITY,), f"{PAIRS} {LINES}"),
        ((P.KL,), f"Bars: {ALL}"),
        ((P.RANK,), LINES),
        ((P.ENTROPY, P.SURPRISAL), LINES),
        ((P.RANK, P.KL), f"Bars: {ALL} {LINES}"),
        ((P.KL, P.LOG_PROBABILITY), f"{PAIRS} Bars of KL: {ALL} {LINES}"),
    ],
)
def test_the_hint_explains_what_the_plot_shows(
    window: MainWindow, measures: tuple[PlotMeasure, ...], text: str
) -> None:
    window._session.display.set_plot_measures(*measures)
    assert window.findChild(PlotHint).findChild(QLabel).text() == text


@pytest.mark.parametrize(
    ("tint", "text"),
    [
        (Tint(), "more (green) or less (violet) probable the pairs made it."),
        (
            Tint(Measure.CONTRIBUTION, 1),
            "more (the pair's colour) or less (grey) probable Arithmetic made it.",
        ),
        (Tint(Measure.KL), "Colour: KL(tuned‖base)."),
        (Tint(Measure.TUNED_RANK), "Colour: Rank after tuning."),
    ],
)
def test_the_hint_explains_how_the_text_is_coloured(
    window: MainWindow, tint: Tint, text: str
) -> None:
    window._session.display.set_tint(tint)
    assert window.findChild(TintHint).findChild(QLabel).text().endswith(text)


def test_the_hint_of_a_run_of_one_role_speaks_of_no_pairs(window: MainWindow) -> None:
    runs = window._session.runs
    runs.add(Run(runs.new_id(), "Once", window._session.recipe, LiveAlphas(()), role=1))
    assert window.findChild(TintHint).findChild(QLabel).text() == "Colour: Surprisal."


def test_the_hint_of_a_run_without_pairs_speaks_of_no_bars(window: MainWindow) -> None:
    session, hint = window._session, window.findChild(PlotHint)
    runs = session.runs
    runs.add(Run(runs.new_id(), "Once", session.recipe, LiveAlphas(()), role=1))
    session.clear_problem()
    resize(window, 1920, 1080)
    session.display.set_plot_measures(P.RANK)
    assert hint.isVisible()
    assert hint.findChild(QLabel).text().startswith("Line: ")
    session.display.set_plot_measures(P.KL)
    assert hint.isHidden()
