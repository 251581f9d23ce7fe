"""Tests of the shift plot by mouse and keyboard."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolTip
from pytestqt.qtbot import QtBot

from app.attribution.attribution import attribute
from app.attribution.explained_token import ExplainedToken
from app.attribution.measures import BIT, Unit
from app.attribution.plot_measure import PlotMeasure
from app.attribution.plot_parts import ENTROPY
from app.engine.commands import Generate
from app.engine.controls import LiveAlphas
from app.engine.events import TokenDecoded
from app.ui.plot.line_style import BASE_LINE
from app.ui.plot.plot_legend import LegendToggle
from app.ui.plot.readout import Readout
from app.ui.plot.shift_plot import ShiftPlot
from app.ui.plot.titled_axis import title_height
from app.ui.state.runs.run import Run
from app.ui.state.session import Session
from app.ui.theme import DARK, LIGHT, palette
from app.ui.widgets.redraw_pace import RedrawPace
from app.ui.words.unit_words import bits, number
from app.wording import quoted, signed
from tests.ui.conftest import FakeBridge, invent_step

Left = Qt.MouseButton.LeftButton
NoModifier = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def plot(finished_session: Session, qtbot: QtBot) -> ShiftPlot:
    return shown(ShiftPlot(finished_session), qtbot)


def shown(plot: ShiftPlot, qtbot: QtBot) -> ShiftPlot:
    qtbot.addWidget(plot)
    plot.resize(640, 220)
    with qtbot.waitExposed(plot):
        plot.show()
    return plot


def draw(plot: ShiftPlot) -> None:
    """Draw the tokens that came, without waiting until the plot is due."""
    pace = plot.findChild(RedrawPace, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert pace is not None
    pace.due.emit()


def visible_tokens(plot: ShiftPlot) -> tuple[float, float]:
    left, right = plot.pane.tokens.viewRange()[0]
    return left, right


def place_of(plot: ShiftPlot, index: int, height: float = 0.5) -> QPoint:
    """Position of the column of a token in the plot's viewport."""
    return plot.pane.mapFromScene(plot.pane.tokens.mapViewToScene(QPointF(index, height)))


def readout(plot: ShiftPlot) -> str:
    """The whole text, of which a low card shows the beginning."""
    return plot._readout.full_text


def wheel(plot: ShiftPlot, at: QPoint, steps: int) -> None:
    viewport = plot.pane.viewport()
    event = QWheelEvent(
        QPointF(at),
        viewport.mapToGlobal(QPointF(at)),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def drag(plot: ShiftPlot, qtbot: QtBot, start: QPoint, end: QPoint) -> None:
    viewport = plot.pane.viewport()
    qtbot.mousePress(viewport, Left, NoModifier, start)
    for share in (0.3, 0.6, 1.0):
        qtbot.mouseMove(viewport, start + (end - start) * share)
        qtbot.wait(20)
    qtbot.mouseRelease(viewport, Left, NoModifier, end)


def button(plot: ShiftPlot, text: str) -> QPushButton:
    return next(b for b in plot.findChildren(QPushButton) if b.text() == text)


def has_color(image: QImage, color: QColor) -> bool:
    wanted = color.rgb()
    return any(
        image.pixel(x, y) == wanted for x in range(image.width()) for y in range(image.height())
    )


# Content


def test_every_pair_has_bars_in_its_colour(plot: ShiftPlot) -> None:
    image = plot.pane.grab().toImage()
    assert has_color(image, LIGHT.pair_color(0))
    assert has_color(image, LIGHT.pair_color(1))
    assert not has_color(image, LIGHT.pair_color(2))


def test_lines_hold_both_probabilities(plot: ShiftPlot, finished_session: Session) -> None:
    assert finished_session.runs.current
    explained = [token.attribution for token in finished_session.runs.current.tokens]
    np.testing.assert_array_equal(plot.pane.base.values, [each.p_base for each in explained])
    np.testing.assert_array_equal(plot.pane.tuned.values, [each.p_tuned for each in explained])
    assert plot.pane.base.pen.style() == Qt.PenStyle.DashLine
    assert plot.pane.tuned.pen.style() == Qt.PenStyle.SolidLine


def test_the_lowest_visible_bar_is_not_cut(plot: ShiftPlot) -> None:
    lowest = np.minimum(plot.series.contributions, 0).sum(axis=1).min()
    bottom, top = plot.pane.tokens.viewRange()[1]
    assert lowest < -0.12, "the invented run has something to cut"
    assert bottom <= lowest
    assert top >= 1


def test_shows_an_explanation_while_there_is_no_run(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    empty = plot.pane.caption
    assert plot.legend.toggles == []
    assert not plot.pane.getPlotItem().getAxis("right").isVisible()
    assert isinstance(empty, QLabel)
    assert empty.isVisible()
    loaded_session.runs.generate("Once")
    bridge.decode(3)
    draw(plot)
    assert not empty.isVisible()


# A base behind an endpoint


def cover(
    bridge: FakeBridge, session: Session, shares: list[float], bounded: float | None = None
) -> None:
    """Emit a token with each of these coverages."""
    id_, start = bridge.last(Generate).id, 0
    events = []
    for index, share in enumerate(shares):
        step = invent_step(index, session.recipe.alphas, start)
        start = step.end
        explained = attribute(step.logits, step.alphas, step.token_id)
        events.append(TokenDecoded(id_, step, replace(explained, coverage=share, bounded=bounded)))
    bridge.events.emit(events)
    bridge.finish_run(tokens=len(shares))


def test_coverage_of_an_endpoint_is_a_line_with_marks_where_it_is_low(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    shares = [0.97, 0.99, 0.6, 0.92, 0.85, 0.999]
    cover(bridge, loaded_session, shares)
    assert plot.legend.toggles[-1].accessibleName() == "⚠ coverage"
    assert plot.pane.coverage.line.isVisible()
    np.testing.assert_allclose(plot.pane.coverage.line.values, shares)
    assert plot.pane.coverage.marks.count == 2
    marked = [has_color_near(plot, index, QColor(LIGHT.danger)) for index in range(len(shares))]
    assert marked == [share < 0.9 for share in shares]
    loaded_session.selection.select(2)
    assert readout(plot).endswith("⚠ coverage 60.0%")
    loaded_session.selection.select(0)
    assert readout(plot).endswith(" · coverage 97.0%")
    qtbot.mouseClick(plot.legend.toggles[-1], Left)
    assert not plot.pane.coverage.line.isVisible()
    assert not plot.pane.coverage.marks.isVisible()


def test_a_token_is_described_with_all_shares_of_a_pair_of_another_vocabulary(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    cover(bridge, loaded_session, [0.97], bounded=0.02)
    loaded_session.selection.select(0)
    assert readout(plot).endswith(" · coverage 97.0%, first piece 2.0%, no opinion 1.0%")


def has_color_near(plot: ShiftPlot, index: int, color: QColor) -> bool:
    """Whether the upper edge of a token's column has this colour."""
    top = plot.pane.tokens.viewRange()[1][1]
    place = place_of(plot, index, top)
    image = plot.pane.grab().toImage()
    return any(image.pixel(place.x(), place.y() + down) == color.rgb() for down in range(6))


def test_coverage_is_a_line_in_log_probability_too(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    cover(bridge, loaded_session, [1.0, 0.5])
    loaded_session.display.set_plot_measures(PlotMeasure.LOG_PROBABILITY)
    np.testing.assert_allclose(plot.pane.coverage.line.values, [0, -1])


def test_there_is_no_coverage_for_a_local_base(plot: ShiftPlot) -> None:
    assert not plot.pane.coverage.line.isVisible()
    assert not plot.pane.coverage.marks.isVisible()
    assert "coverage" not in [toggle.part for toggle in plot.legend.toggles]
    plot._session.selection.select(0)
    assert "coverage" not in readout(plot)


# Following, zooming, panning


@pytest.mark.slow
def test_follows_generation_until_the_user_pans(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    bridge.decode(150)
    draw(plot)
    left, right = visible_tokens(plot)
    assert 149 < right < 152
    assert 80 <= right - left <= 120
    wheel(plot, place_of(plot, 100), 3)
    moved = visible_tokens(plot)
    bridge.decode(50, start=150)
    assert visible_tokens(plot) == moved
    qtbot.mouseClick(button(plot, "Follow"), Left)
    assert 199 < visible_tokens(plot)[1] < 202
    bridge.decode(10, start=200)
    draw(plot)
    assert 249 < visible_tokens(plot)[1] < 252
    bridge.finish_run()
    assert 209 < visible_tokens(plot)[1] < 212, "no empty columns after the end"


@pytest.mark.slow
def test_axes_are_drawn_once_for_each_page_of_tokens(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    axis = plot.pane.getPlotItem().getAxis("bottom")
    loaded_session.runs.generate("Once")
    bridge.decode(110)
    draw(plot)
    QApplication.processEvents()  # the first tokens change the layout
    plot.grab()
    drawn, seen = axis.picture, visible_tokens(plot)
    bridge.decode(30, start=110)
    draw(plot)
    assert plot.series.count == 140
    plot.grab()
    assert visible_tokens(plot) == seen
    assert axis.picture is drawn
    bridge.decode(30, start=140)
    draw(plot)
    assert plot.series.count == 170
    assert visible_tokens(plot)[1] - seen[1] == pytest.approx(50)


def test_wheel_zooms_tokens_around_the_pointer_and_stops(plot: ShiftPlot) -> None:
    before, height = visible_tokens(plot), plot.pane.tokens.viewRange()[1]
    wheel(plot, place_of(plot, 30), 3)
    after = visible_tokens(plot)
    assert after[1] - after[0] < before[1] - before[0]
    assert after[0] < 30 < after[1]
    assert plot.pane.tokens.viewRange()[1][1] == pytest.approx(height[1])
    for _ in range(60):
        wheel(plot, place_of(plot, 30), 5)
    assert visible_tokens(plot)[1] - visible_tokens(plot)[0] >= 8 - 1e-6


@pytest.mark.slow
def test_drag_pans_and_stays_near_the_tokens(plot: ShiftPlot, qtbot: QtBot) -> None:
    wheel(plot, place_of(plot, 30), 6)
    before = visible_tokens(plot)
    middle = plot.pane.viewport().rect().center()
    drag(plot, qtbot, middle, middle - QPoint(60, 0))
    after = visible_tokens(plot)
    assert after[0] > before[0]
    assert after[1] - after[0] == pytest.approx(before[1] - before[0])
    for _ in range(8):
        drag(plot, qtbot, middle, middle + QPoint(280, 0))
    assert -3 <= visible_tokens(plot)[0] < 0, "the drag went as far as it can"


def test_show_all_shows_every_token(plot: ShiftPlot, qtbot: QtBot) -> None:
    wheel(plot, place_of(plot, 30), 6)
    qtbot.mouseClick(button(plot, "Show all"), Left)
    left, right = visible_tokens(plot)
    assert left <= 0
    assert right >= 59


# Pointer and selection


@pytest.mark.parametrize("index", [0, 17, 59])
def test_click_selects_the_token_of_the_column(
    plot: ShiftPlot, finished_session: Session, qtbot: QtBot, index: int
) -> None:
    qtbot.mouseClick(plot.pane.viewport(), Left, NoModifier, place_of(plot, index))
    assert finished_session.selection.token == index
    assert plot.pane.marks.token.isVisible()
    assert plot.pane.marks.token.getRegion() == (index - 0.5, index + 0.5)


def test_the_readout_follows_the_pointer_and_returns_to_the_selection(
    plot: ShiftPlot, finished_session: Session, qtbot: QtBot
) -> None:
    finished_session.selection.select(3)
    selected = readout(plot)
    assert selected.startswith("4 ")
    qtbot.mouseMove(plot.pane.viewport(), place_of(plot, 20))
    qtbot.waitUntil(lambda: readout(plot).startswith("21 "))
    for part in ("base", "tuned", "Shakespeare", "Arithmetic"):
        assert part in readout(plot)
    assert finished_session.selection.token == 3
    qtbot.wait(20)  # pyqtgraph skips moves faster than 100 per second
    qtbot.mouseMove(plot.pane.viewport(), QPoint(1, 1))
    qtbot.waitUntil(lambda: readout(plot) == selected)


def test_keys_move_the_selection(plot: ShiftPlot, finished_session: Session, qtbot: QtBot) -> None:
    moves = []
    for key in ("Right", "Right", "Left", "End", "Home"):
        qtbot.keyClick(plot.pane, getattr(Qt.Key, f"Key_{key}"))
        moves.append(finished_session.selection.token)
    assert moves == [0, 1, 0, 59, 0]


def test_selecting_elsewhere_brings_the_token_into_view(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    bridge.decode(300)
    draw(plot)
    assert visible_tokens(plot)[0] > 10
    loaded_session.selection.select(10)
    left, right = visible_tokens(plot)
    assert left <= 10 <= right


def test_the_accessible_description_has_the_numbers_of_the_selected_token(
    plot: ShiftPlot, finished_session: Session
) -> None:
    finished_session.selection.select(7)
    assert plot.accessibleName()
    assert plot.accessibleDescription().startswith("8 ")
    assert "Shakespeare" in plot.accessibleDescription()


def test_another_run_starts_empty(plot: ShiftPlot, finished_session: Session) -> None:
    finished_session.selection.select(5)
    finished_session.runs.generate("Another")
    assert plot.series.count == 0
    assert not plot.pane.marks.token.isVisible()
    assert readout(plot) == ""


def test_another_theme_recolours(
    plot: ShiftPlot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = qapp.palette()
    monkeypatch.setattr("app.ui.plot.shift_plot.current_theme", lambda: DARK)
    qapp.setPalette(palette(DARK))
    qapp.processEvents()
    try:
        image = plot.pane.grab().toImage()
        assert image.pixelColor(image.width() - 1, 0) == QColor(DARK.surface)
        assert has_color(image, DARK.pair_color(0))
    finally:
        qapp.setPalette(before)


# Parts and scale


def toggle(plot: ShiftPlot, name: str) -> LegendToggle:
    return next(each for each in plot.legend.toggles if each.accessibleName() == name)


def test_a_pair_is_hidden_by_click_and_by_key(plot: ShiftPlot, qtbot: QtBot) -> None:
    assert [t.accessibleName() for t in plot.legend.toggles] == [
        "Shakespeare",
        "Arithmetic",
        "base",
        "tuned",
        "KL",
        "entropy",
    ]
    qtbot.mouseClick(toggle(plot, "Shakespeare"), Left)
    image = plot.pane.grab().toImage()
    assert not has_color(image, LIGHT.pair_color(0))
    assert has_color(image, LIGHT.pair_color(1))
    switch = toggle(plot, "Shakespeare")
    assert switch.focusPolicy() & Qt.FocusPolicy.TabFocus
    qtbot.keyClick(switch, Qt.Key.Key_Space)
    assert switch.isChecked()
    assert has_color(plot.pane.grab().toImage(), LIGHT.pair_color(0))


def test_hidden_entries_differ_without_colour(plot: ShiftPlot, qtbot: QtBot) -> None:
    switch = toggle(plot, "tuned")

    def ink() -> int:
        image = switch.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        places = [(x, y) for x in range(image.width()) for y in range(image.height())]
        return sum(image.pixelColor(x, y).lightness() < 200 for x, y in places)

    on = ink()
    qtbot.mouseClick(switch, Left)
    qtbot.mouseMove(plot)
    assert ink() != on


def test_lines_are_shown_and_hidden_and_bits_have_an_axis(plot: ShiftPlot, qtbot: QtBot) -> None:
    axis = plot.pane.getPlotItem().getAxis("right")
    assert not axis.isVisible()
    qtbot.mouseClick(toggle(plot, "KL"), Left)
    assert axis.isVisible()
    assert plot.pane.amounts.kl.isVisible()
    kl = [t.attribution.kl / np.log(2) for t in plot._run.tokens]
    np.testing.assert_allclose(plot.pane.amounts.kl.values, kl)
    (low, high), (left_low, left_high) = axis.range, plot.pane.tokens.viewRange()[1]
    assert high >= max(kl)
    assert low / high == pytest.approx(
        left_low / left_high
    )  # both axes have their 0 at the same height
    levels = axis.tickValues(low, high, 140)
    assert all(value >= 0 for _, values in levels for value in values)
    assert any(value == 0 for _, values in levels for value in values)
    qtbot.mouseClick(toggle(plot, "base"), Left)
    assert not plot.pane.base.isVisible()
    assert plot.pane.tuned.isVisible()


@pytest.mark.parametrize(
    ("measures", "kl", "entropy"),
    [
        ((PlotMeasure.PROBABILITY,), True, True),
        ((PlotMeasure.PROBABILITY, PlotMeasure.RANK), True, True),
        ((PlotMeasure.LOG_PROBABILITY, PlotMeasure.KL), False, True),
        ((PlotMeasure.KL, PlotMeasure.PROBABILITY), False, True),
        ((PlotMeasure.PROBABILITY, PlotMeasure.ENTROPY), True, False),
    ],
)
def test_a_measure_with_its_own_plot_has_no_line_in_the_other_plot(
    plot: ShiftPlot,
    finished_session: Session,
    qtbot: QtBot,
    measures: tuple[PlotMeasure, ...],
    kl: bool,
    entropy: bool,
) -> None:
    for name in ("KL", "entropy"):
        qtbot.mouseClick(toggle(plot, name), Left)
    assert plot.pane.amounts.kl.isVisible()
    assert plot.pane.amounts.entropy.isVisible()
    finished_session.display.set_plot_measures(*measures)
    pane = next(pane for pane in plot.panes if pane.data.measure.by_pair)
    assert (pane.amounts.kl.isVisible(), pane.amounts.entropy.isVisible()) == (kl, entropy)
    named = [toggle.accessibleName() for toggle in plot.legend.toggles]
    assert ("KL" in named, "entropy" in named) == (kl, entropy)
    plot.set_folded(True)  # a plot that is not shown is no reason to leave out the line
    if len(measures) > 1 and measures[0].by_pair:
        assert plot.pane.amounts.kl.isVisible()
        assert plot.pane.amounts.entropy.isVisible()
        assert "KL" in [toggle.accessibleName() for toggle in plot.legend.toggles]
    plot.set_folded(False)
    finished_session.display.set_plot_measures(PlotMeasure.PROBABILITY)
    assert plot.pane.amounts.kl.isVisible()
    assert plot.pane.amounts.entropy.isVisible()


def test_log_probability_shows_the_shift_between_its_lines(
    plot: ShiftPlot, finished_session: Session
) -> None:
    finished_session.display.set_plot_measures(PlotMeasure.LOG_PROBABILITY)
    explained = [token.attribution for token in plot._run.tokens]
    np.testing.assert_allclose(
        plot.pane.tuned.values, [np.log2(e.p_tuned) for e in explained], atol=1e-4
    )
    np.testing.assert_allclose(
        plot.pane.shares.sum(axis=1), plot.pane.tuned.values - plot.pane.base.values, atol=1e-4
    )
    assert plot.legend.toggles[0].accessibleName() == "Shakespeare"
    bottom, top = plot.pane.tokens.viewRange()[1]
    assert bottom <= min(plot.pane.base.values.min(), plot.pane.tuned.values.min())
    assert top >= np.maximum(plot.pane.shares, 0).sum(axis=1).max()
    finished_session.display.set_plot_measures(PlotMeasure.PROBABILITY)
    assert plot.pane.tokens.viewRange()[1][1] == pytest.approx(1.08)


def test_in_log_probability_both_axes_have_the_same_range(
    plot: ShiftPlot, finished_session: Session
) -> None:
    finished_session.display.show_part("entropy", True)
    finished_session.display.set_plot_measures(PlotMeasure.LOG_PROBABILITY)
    axis = plot.pane.getPlotItem().getAxis("right")
    assert axis.range == pytest.approx(plot.pane.tokens.viewRange()[1])
    assert axis.range[1] >= plot.pane.amounts.entropy.values.max()


def test_a_low_card_has_a_legend_of_one_row_with_shorter_names(plot: ShiftPlot) -> None:
    def rows() -> int:
        QApplication.processEvents()
        assert plot.legend.isVisible()
        assert all(not toggle.visibleRegion().isEmpty() for toggle in plot.legend.toggles)
        return len({toggle.y() for toggle in plot.legend.toggles})

    names = [toggle.text() for toggle in plot.legend.toggles]
    plot.resize(640, 220)
    assert rows() == 1
    plot.resize(300, 320)
    assert rows() > 1, "several rows have room in a high card"
    tall = plot._readout.height()
    plot._session.selection.select(3)
    plot.resize(300, 190)
    assert rows() == 1
    assert [toggle.text() for toggle in plot.legend.toggles] != names
    assert plot._readout.height() < tall
    text = plot._readout.text()
    assert text.endswith("…")
    assert readout(plot).startswith(text.removesuffix("…"))
    assert plot._readout.fontMetrics().horizontalAdvance(text) <= plot._readout.width()
    plot.resize(160, 190)
    assert rows() == 1, "the marks alone have room"
    plot.resize(640, 320)
    assert rows() == 1
    assert [toggle.text() for toggle in plot.legend.toggles] == names
    assert plot._readout.height() == tall


def test_a_legend_entry_shows_its_name_also_with_the_focus(plot: ShiftPlot) -> None:
    plot.activateWindow()
    for toggle in plot.legend.toggles:
        before = toggle.grab().toImage()
        toggle.setFocus(Qt.FocusReason.TabFocusReason)
        assert toggle.hasFocus()
        after = toggle.grab().toImage()
        inside = [
            (x, y) for x in range(2, before.width() - 2) for y in range(2, before.height() - 2)
        ]
        assert all(before.pixel(*place) == after.pixel(*place) for place in inside)
        assert before != after, "the focus has an outline"


def test_the_explanation_lies_beside_the_axis_in_a_narrow_plot(
    loaded_session: Session, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    for width in (240, 640):
        plot.resize(width, 200)
        QApplication.processEvents()
        axis = plot.pane.getPlotItem().getAxis("left")
        right = plot.pane.mapFromScene(axis.sceneBoundingRect().topRight()).x()
        words = plot.pane.caption
        assert words.x() >= right
        assert words.height() >= words.heightForWidth(words.width())
        assert words.geometry().right() <= plot.pane.width()


def test_the_answer_of_one_role_has_a_line_and_no_bars(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    runs = loaded_session.runs
    run = Run(runs.new_id(), "Once", loaded_session.recipe, LiveAlphas(()), role=1)
    for step in (invent_step(index, (), 0) for index in range(5)):
        explained = attribute(step.logits, (), step.token_id)
        run.tokens.append(ExplainedToken.of(step, explained))
    runs.add(run)
    loaded_session.selection.select(2)
    assert plot.series.count == 5
    assert [t.accessibleName() for t in plot.legend.toggles] == ["probability", "entropy"]
    assert readout(plot).startswith("3 ")
    assert "probability" in readout(plot)
    names = {
        PlotMeasure.PROBABILITY: ["probability", "entropy"],
        PlotMeasure.LOG_PROBABILITY: ["log-probability", "entropy"],
        PlotMeasure.SURPRISAL: ["surprisal"],
        PlotMeasure.KL: [],
        PlotMeasure.ENTROPY: ["entropy"],
        PlotMeasure.RANK: ["rank"],
    }
    for measure in PlotMeasure:
        loaded_session.display.set_plot_measures(measure)
        assert not plot.pane.base.isVisible()
        assert plot.pane.shares.shape == (5, 0)
        assert [t.accessibleName() for t in plot.legend.toggles] == names[measure]
        assert plot.pane.caption.isVisible() is (measure is PlotMeasure.KL)
    loaded_session.display.set_plot_measures(PlotMeasure.SURPRISAL, PlotMeasure.KL)
    assert not plot.pane.caption.isVisible()
    assert plot.second.caption.isVisible()
    assert "this run has no pairs" in plot.second.caption.text()
    loaded_session.display.set_plot_measures(PlotMeasure.SURPRISAL, PlotMeasure.RANK)
    assert not plot.second.caption.isVisible()
    assert [t.accessibleName() for t in plot.legend.toggles] == ["surprisal, rank"]
    loaded_session.selection.select_range((1, 3))
    assert "tokens 2–3" in readout(plot)


# Measures


@pytest.mark.parametrize("measure", list(PlotMeasure))
def test_each_measure_shows_its_numbers_and_its_unit(
    plot: ShiftPlot, finished_session: Session, measure: PlotMeasure
) -> None:
    seen = visible_tokens(plot)
    finished_session.display.set_plot_measures(measure)
    every = [token.attribution for token in plot._run.tokens]
    base, tuned, title = {
        PlotMeasure.PROBABILITY: (
            [e.p_base for e in every],
            [e.p_tuned for e in every],
            "probability",
        ),
        PlotMeasure.LOG_PROBABILITY: (
            [np.log2(e.p_base) for e in every],
            [np.log2(e.p_tuned) for e in every],
            "log p, bits",
        ),
        PlotMeasure.SURPRISAL: (
            [-np.log2(e.p_base) for e in every],
            [-np.log2(e.p_tuned) for e in every],
            "surprisal, bits",
        ),
        PlotMeasure.KL: ([], [], "KL, bits"),
        PlotMeasure.ENTROPY: (
            [e.entropy_base / np.log(2) for e in every],
            [e.entropy_tuned / np.log(2) for e in every],
            "entropy, bits",
        ),
        PlotMeasure.RANK: (
            [np.log10(e.rank_base) for e in every],
            [np.log10(e.rank_tuned) for e in every],
            "rank",
        ),
    }[measure]
    np.testing.assert_allclose(plot.pane.base.values, base, atol=1e-4)
    np.testing.assert_allclose(plot.pane.tuned.values, tuned, atol=1e-4)
    assert plot.pane.tuned.isVisible() is bool(tuned)
    assert plot.pane.value_axis.labelText == title
    assert visible_tokens(plot) == seen, "the range is kept"
    bottom, top = plot.pane.tokens.viewRange()[1]
    assert bottom <= min([0, *base, *tuned])
    assert top >= max([*base, *tuned, plot.pane.shares.max(initial=0)])
    if measure is PlotMeasure.KL:
        np.testing.assert_allclose(plot.pane.shares[:, 0], [e.kl / np.log(2) for e in every])
    finished_session.display.set_plot_unit(Unit.NATS)
    if measure.has_unit:
        assert plot.pane.value_axis.labelText == title.replace("bits", "nats")
        np.testing.assert_allclose(plot.pane.tuned.values, np.multiply(tuned, np.log(2)), atol=1e-4)
    else:
        assert plot.pane.value_axis.labelText == title


@pytest.mark.parametrize(
    ("measures", "end"),
    [
        ([PlotMeasure.PROBABILITY], "the token's probability"),
        ([PlotMeasure.LOG_PROBABILITY], "the token's log-probability"),
        (
            [PlotMeasure.LOG_PROBABILITY, PlotMeasure.PROBABILITY],
            "the token's probability and to its log-probability",
        ),
        ([PlotMeasure.PROBABILITY, PlotMeasure.KL], "the token's probability"),
    ],
)
def test_the_legend_says_to_what_a_pair_contributes(
    plot: ShiftPlot, measures: list[PlotMeasure], end: str
) -> None:
    plot._session.display.set_plot_measures(*measures)
    assert plot.legend.toggles[0].accessibleDescription().endswith(f" to {end}")


def test_ranks_are_labelled_by_powers_of_ten(plot: ShiftPlot) -> None:
    plot._session.display.set_plot_measures(PlotMeasure.RANK)
    ((spacing, places),) = plot.pane.value_axis.tickValues(-0.1, 3.4, 200)
    assert plot.pane.value_axis.tickStrings(places, 1, spacing) == ["1", "10", "100", "1,000"]


def test_a_second_plot_shows_another_measure_of_the_same_tokens(
    plot: ShiftPlot, finished_session: Session, qtbot: QtBot
) -> None:
    assert not plot.second.isVisible()
    display = finished_session.display
    display.set_plot_measures(PlotMeasure.PROBABILITY, PlotMeasure.KL)
    assert plot.second.isVisible()
    plot.resize(640, 420)
    QApplication.processEvents()
    assert plot.second.value_axis.labelText == "KL, bits"
    for moved, other in ((plot.pane, plot.second), (plot.second, plot.pane)):
        left = 5.0 if moved is plot.pane else 20.0
        moved.tokens.setXRange(left, left + 20, padding=0)
        assert other.tokens.viewRange()[0] == pytest.approx([left, left + 20], abs=0.5)
    finished_session.selection.select(9)
    assert plot.second.marks.token.getRegion() == (8.5, 9.5)
    QApplication.processEvents()
    place = plot.second.mapFromScene(plot.second.tokens.mapViewToScene(QPointF(12, 0.1)))
    qtbot.mouseClick(plot.second.viewport(), Left, NoModifier, place)
    assert finished_session.selection.token == 12
    display.set_plot_measures(PlotMeasure.PROBABILITY)
    assert not plot.second.isVisible()
    second = plot.second.tokens.viewRange()[0]
    plot.pane.tokens.setXRange(0, 15, padding=0)
    assert plot.second.tokens.viewRange()[0] == second, "a hidden plot costs nothing"


def test_two_plots_have_room_in_a_low_window(plot: ShiftPlot) -> None:
    """They would lie over each other and over the readout."""
    QApplication.processEvents()
    alone = plot.minimumSizeHint().height()
    plot._session.display.set_plot_measures(PlotMeasure.PROBABILITY, PlotMeasure.KL)
    QApplication.processEvents()
    assert plot.minimumSizeHint().height() <= alone + 60
    assert not plot.pane.geometry().intersects(plot.second.geometry())
    axes = [pane.token_axis.isVisible() for pane in plot.panes]
    assert axes == [False, True], "the lower plot has the axis of tokens of both"


@pytest.mark.parametrize("measure", PlotMeasure)
def test_titles_of_axes_are_never_cut_off(plot: ShiftPlot, measure: PlotMeasure) -> None:
    display = plot._session.display
    display.show_part(ENTROPY, True)
    display.set_plot_measures(PlotMeasure.PROBABILITY, measure)
    for unit in (Unit.NATS, Unit.BITS):
        display.set_plot_unit(unit)
        for size in ((300, 190), (640, 420)):
            plot.resize(*size)
            QApplication.processEvents()
            for pane in plot.panes:
                view = pane.tokens.sceneBoundingRect()
                for side in ("left", "right"):
                    label = pane.getPlotItem().getAxis(side).label
                    if label.isVisible():
                        title = label.sceneBoundingRect()
                        assert pane.sceneRect().contains(title)
                        assert title.bottom() <= view.top() + 1, "above the drawing area"


def test_a_legend_in_a_low_plot_is_beside_the_menus_by_shorter_names(
    plot: ShiftPlot,
) -> None:
    plot._session.display.set_plot_measures(PlotMeasure.LOG_PROBABILITY, PlotMeasure.ENTROPY)
    plot.resize(600, 190)
    QApplication.processEvents()
    tops = {toggle.mapTo(plot, QPoint()).y() for toggle in plot.legend.toggles}
    assert len(tops) == 1
    assert plot._head.height() < 2 * plot.legend.toggles[0].height()


def test_ranks_in_a_low_plot_do_not_overlap(plot: ShiftPlot) -> None:
    plot._session.display.set_plot_measures(PlotMeasure.RANK)
    ((spacing, places),) = plot.pane.value_axis.tickValues(-0.1, 4.4, 40)
    assert spacing > 1
    assert 40 / 4.5 * spacing >= title_height()
    assert places == [0.0, 2.0, 4.0]


def test_the_menu_at_the_plot_chooses_both_measures(plot: ShiftPlot) -> None:
    display = plot._session.display
    first, second = plot._head.first, plot._head.second
    assert first.focusPolicy() & second.focusPolicy() & Qt.FocusPolicy.TabFocus
    actions = {action.text(): action for action in first.menu().actions()}
    actions["Entropy"].trigger()
    assert display.plot_measures == (PlotMeasure.ENTROPY,)
    assert first.text().startswith("Entropy")
    {a.text(): a for a in second.menu().actions()}["Rank"].trigger()
    assert display.plot_measures == (PlotMeasure.ENTROPY, PlotMeasure.RANK)
    actions["Surprisal"].trigger()
    actions["In nats"].trigger()
    assert display.plot_measures == (PlotMeasure.SURPRISAL, PlotMeasure.RANK)
    assert display.plot_unit is Unit.NATS
    {a.text(): a for a in second.menu().actions()}["None"].trigger()
    assert display.plot_measures == (PlotMeasure.SURPRISAL,)


# Texts of tokens


def test_the_axis_has_the_texts_of_wide_tokens_without_overlap(
    plot: ShiftPlot, finished_session: Session
) -> None:
    axis, run = plot.pane.token_axis, plot._run
    plot.resize(640, 400)
    plot.pane.tokens.setXRange(-0.5, 59.5, padding=0)
    assert not axis.shows_texts
    for tokens, across in ((10, False), (30, True)):
        plot.pane.tokens.setXRange(4.5, 4.5 + tokens, padding=0)
        QApplication.processEvents()
        plot.grab()
        assert axis.shows_texts
        found = axis.texts_shown()
        assert len(found) >= tokens
        for (area, _), (following, _) in itertools.pairwise(found):
            assert area.right() <= following.left() + 1e-6
        metrics = axis._metrics()
        room = axis._area if across else found[0][0].width()
        for area, text in found:
            index = round(area.left() / area.width() + axis.range[0] + 0.5)
            whole = quoted(run.tokens[index].text)
            assert text == whole or (text.endswith("…") and whole.startswith(text[:-1]))
            assert metrics.horizontalAdvance(text) <= room
    assert "“↵”" in [text for _, text in axis.texts_shown()], "marks as everywhere"
    plot.resize(640, 200)
    QApplication.processEvents()
    assert not axis.shows_texts, "a low plot keeps its height"


def test_a_tool_tip_at_the_bar_has_the_token_and_its_numbers_by_pair(
    plot: ShiftPlot, qtbot: QtBot
) -> None:
    qtbot.mouseMove(plot.pane.viewport(), place_of(plot, 20))
    qtbot.waitUntil(lambda: QToolTip.text() != "")
    text, explained = QToolTip.text(), plot._run.tokens[20].attribution
    assert f"{quoted(plot._run.tokens[20].text)} · token 21" in text
    for name, share, in_log in zip(
        plot._run.pair_names,
        explained.contributions,
        explained.logprob_contributions,
        strict=True,
    ):
        assert f"{name}: {signed(share)} in probability, {bits(in_log / BIT, sign=True)}" in text
    qtbot.wait(20)  # pyqtgraph skips moves faster than 100 per second
    qtbot.mouseMove(plot.pane.viewport(), QPoint(1, 1))
    qtbot.waitUntil(lambda: plot._pointed == -1)


def test_the_view_stays_where_the_user_looks_while_tokens_are_added(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    bridge.decode(60)
    plot.pane.tokens.setXRange(10, 25, padding=0)
    plot.pane.moved.emit()
    loaded_session.display.set_plot_measures(PlotMeasure.SURPRISAL, PlotMeasure.KL)
    bridge.decode(20, start=60)
    qtbot.waitUntil(lambda: plot.series.count == 80)
    assert visible_tokens(plot) == pytest.approx((10, 25), abs=0.5)
    assert len(plot.second.shares) == 80


# Ranges


def shift_drag(plot: ShiftPlot, qtbot: QtBot, start: QPoint, end: QPoint, keys: object) -> None:
    viewport = plot.pane.viewport()
    qtbot.mousePress(viewport, Left, keys, start)
    for share in (0.3, 0.6, 1.0):
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(start + (end - start) * share),
            viewport.mapToGlobal(QPointF(start + (end - start) * share)),
            Qt.MouseButton.NoButton,
            Left,
            keys,
        )
        QApplication.sendEvent(viewport, event)
        qtbot.wait(15)
    qtbot.mouseRelease(viewport, Left, keys, end)


@pytest.mark.parametrize("by_mode", [False, True])
def test_dragging_selects_a_range_and_leaves_the_view(
    plot: ShiftPlot, finished_session: Session, qtbot: QtBot, by_mode: bool
) -> None:
    before = visible_tokens(plot)
    if by_mode:
        qtbot.mouseClick(button(plot, "Select"), Left)
    keys = NoModifier if by_mode else Qt.KeyboardModifier.ShiftModifier
    shift_drag(plot, qtbot, place_of(plot, 30), place_of(plot, 20), keys)
    assert finished_session.selection.range == (20, 31)
    assert visible_tokens(plot) == before
    assert plot.pane.marks.range.isVisible()
    assert plot.pane.marks.range.getRegion() == (19.5, 30.5)


def test_the_readout_has_the_totals_of_the_range(
    plot: ShiftPlot, finished_session: Session
) -> None:
    finished_session.selection.select_range((10, 20))
    part = [token.attribution for token in plot._run.tokens[10:20]]
    flips = sum(each.flipped for each in part)
    given = sum(each.contributions[0] for each in part)
    shift = sum(np.log2(each.p_tuned / each.p_base) for each in part)
    text = readout(plot)
    assert text.startswith("tokens 11–20")
    assert f"Shakespeare {signed(given)}" in text
    assert f"{shift:+.1f}".replace("-", "−")[:4] in text
    assert f"flips: {flips}" in text
    assert "bits" in text
    assert text in plot.accessibleDescription()


def test_two_plots_have_room_at_a_height_that_is_enough_for_one(
    plot: ShiftPlot, finished_session: Session
) -> None:
    plot.resize(640, 260)
    QApplication.processEvents()
    assert plot.findChild(Readout)._lines == 2
    finished_session.display.set_plot_measures(PlotMeasure.LOG_PROBABILITY, PlotMeasure.KL)
    QApplication.processEvents()
    foot = plot.findChild(Readout).parentWidget()
    assert foot is not None
    assert plot.second.geometry().bottom() < foot.geometry().top()
    assert plot.second.geometry().top() > plot.pane.geometry().bottom()
    assert plot.height() >= plot.minimumSizeHint().height()
    assert plot.findChild(Readout)._lines == 1


def test_readouts_have_the_unit_of_the_plot(
    plot: ShiftPlot, finished_session: Session, qtbot: QtBot
) -> None:
    display, run = finished_session.display, plot._run
    finished_session.selection.select(7)
    explained = run.tokens[7].attribution
    assert f"KL {number(explained.kl / BIT)} bits" in readout(plot)
    assert f"Shakespeare {signed(explained.contributions[0])}," in readout(plot)
    display.set_plot_unit(Unit.NATS)
    assert f"KL {explained.kl:.2f} nats, entropy {explained.entropy_tuned:.2f} nats" in readout(
        plot
    )
    display.set_plot_measures(PlotMeasure.LOG_PROBABILITY)
    in_logs = f"{explained.logprob_contributions[0]:+.2f} nats".replace("-", "−")
    assert f"Shakespeare {in_logs}, Arithmetic" in readout(plot)
    finished_session.selection.select_range((10, 20))
    part = [token.attribution for token in run.tokens[10:20]]
    total = sum(each.logprob_contributions[0] for each in part)
    assert f"Shakespeare {number(total, sign=True)} nats" in readout(plot)
    assert f"mean KL {np.mean([each.kl for each in part]):.2f} nats" in readout(plot)
    qtbot.mouseMove(plot.pane.viewport(), place_of(plot, 20))
    qtbot.waitUntil(lambda: QToolTip.text() != "")
    assert f"KL {run.tokens[20].attribution.kl:.2f} nats" in QToolTip.text()
    display.set_plot_measures(PlotMeasure.PROBABILITY, PlotMeasure.LOG_PROBABILITY)
    qtbot.mouseMove(plot.pane.viewport(), QPoint(1, 1))
    qtbot.waitUntil(lambda: plot._pointed == -1)
    shares = sum(each.contributions[0] for each in part)
    assert f"Shakespeare {signed(shares)}" in readout(plot)


def test_keys_extend_the_range_and_escape_clears_it(
    plot: ShiftPlot, finished_session: Session, qtbot: QtBot
) -> None:
    selection = finished_session.selection
    selection.select(10)
    shift = Qt.KeyboardModifier.ShiftModifier
    seen = []
    for key in ("Right", "Right", "Left", "Left", "Left", "Home", "End"):
        qtbot.keyClick(plot.pane, getattr(Qt.Key, f"Key_{key}"), shift)
        seen.append(selection.range)
    assert seen == [(10, 12), (10, 13), (10, 12), (10, 11), (9, 11), (0, 11), (10, 60)]
    qtbot.keyClick(plot.pane, Qt.Key.Key_Escape)
    assert selection.range is None
    assert not plot.pane.marks.range.isVisible()
    assert selection.token == 59
    qtbot.keyClick(plot.pane, Qt.Key.Key_Escape)
    assert selection.token is None


def test_a_click_clears_the_range_and_shift_click_extends_it(
    plot: ShiftPlot, finished_session: Session, qtbot: QtBot
) -> None:
    viewport = plot.pane.viewport()
    qtbot.mouseClick(viewport, Left, NoModifier, place_of(plot, 5))
    qtbot.mouseClick(viewport, Left, Qt.KeyboardModifier.ShiftModifier, place_of(plot, 9))
    assert finished_session.selection.range == (5, 10)
    qtbot.mouseClick(viewport, Left, NoModifier, place_of(plot, 40))
    assert finished_session.selection.range is None
    assert finished_session.selection.token == 40


@pytest.mark.parametrize("span", [(-2.5, 5.5), (-0.5, 59.5), (20.5, 28.5), (0.0, 4_000.0)])
def test_the_axis_numbers_tokens_from_one(plot: ShiftPlot, span: tuple[float, float]) -> None:
    axis = plot.pane.getPlotItem().getAxis("bottom")
    levels = axis.tickValues(*span, 560)
    told = {
        place: text
        for spacing, places in levels
        for place, text in zip(places, axis.tickStrings(places, 1.0, spacing), strict=True)
    }
    assert told
    assert all(text.removeprefix("token ") == f"{place + 1:,.0f}" for place, text in told.items())
    assert all(place >= 0 and place == round(place) for place in told)


def test_show_all_of_a_long_run_draws_columns_of_tokens(
    plot: ShiftPlot, finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    np.testing.assert_array_equal(plot.pane.base.drawn, plot.pane.base.values)
    finished_session.runs.generate("A long one")
    bridge.complete(900)
    qtbot.waitUntil(lambda: plot.series.count == 900)
    assert plot.pane.tuned._size == 1, "the newest tokens one by one"
    plot.show_all()
    size = plot.pane.tuned._size
    pixels = plot.pane.tokens.width()
    assert size >= 5 * 900 / pixels
    assert finished_session.runs.current
    explained = [token.attribution for token in finished_session.runs.current.tokens]
    for line, every in (
        (plot.pane.base, [each.p_base for each in explained]),
        (plot.pane.tuned, [each.p_tuned for each in explained]),
    ):
        drawn = line.drawn
        means = [np.mean(every[start : start + size]) for start in range(0, 900, size)]
        np.testing.assert_allclose(drawn, means, atol=1e-6)
    dark = plot.pane.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    inked = np.array(
        [
            [dark.pixelColor(x, y).lightness() < 100 for x in range(60, dark.width() - 20, 2)]
            for y in range(5, dark.height() - 30, 2)
        ]
    )
    assert inked.mean() < 0.2, "no black scribble"
    plot.follow()
    np.testing.assert_array_equal(plot.pane.tuned.values, [each.p_tuned for each in explained])
    assert plot.pane.tuned._size == 1


def test_the_axes_say_what_they_show(plot: ShiftPlot, finished_session: Session) -> None:
    item = plot.pane.getPlotItem()
    assert item.getAxis("left").labelText == "probability"
    assert item.getAxis("right").labelText == "bits"
    finished_session.display.set_plot_measures(PlotMeasure.LOG_PROBABILITY)
    assert item.getAxis("left").labelText == "log p, bits"
    axis = item.getAxis("bottom")
    (spacing, places), *_ = axis.tickValues(-0.5, 60.5, 600.0)
    named = [text for text in axis.tickStrings(places, 1, spacing) if text.startswith("token ")]
    assert len(named) == 1


def test_a_hidden_part_is_not_struck_through(plot: ShiftPlot) -> None:
    toggle = plot.legend.toggles[0]
    shown_as = toggle.grab().toImage()
    toggle.click()
    hidden_as = toggle.grab().toImage()
    middle = range(20, shown_as.width() - 2)

    def longest_line(image: QImage) -> int:
        """The longest row of pixels that are not the background."""
        back = image.pixelColor(image.width() - 1, 0)
        return max(
            sum(image.pixelColor(x, y) != back for x in middle) for y in range(image.height())
        )

    assert longest_line(hidden_as) <= longest_line(shown_as)
    assert hidden_as != shown_as


def test_a_readout_that_is_too_long_ends_with_dots(qtbot: QtBot) -> None:
    readout = Readout()
    qtbot.addWidget(readout)
    for lines in (1, 2):
        readout.set_lines(lines)
        for width in (90, 200, 333):
            readout.resize(width, readout.height())
            readout.show_text(f"{lines} " + "several words and numbers 0.123 " * 8)
            readout._fit()
            assert readout.text().endswith("…")
            area = readout.fontMetrics().boundingRect(
                QRect(0, 0, width, 0), Qt.TextFlag.TextWordWrap, readout.text()
            )
            assert area.height() <= readout.height()
    readout.show_text("short")
    assert readout.text() == "short"


def test_lines_have_the_width_of_a_pixel_of_the_window(qapp: QApplication) -> None:
    assert BASE_LINE.pen(LIGHT).widthF() == qapp.devicePixelRatio()
    assert BASE_LINE.pen(LIGHT).isCosmetic()


def test_an_empty_plot_has_no_title_at_its_axis(loaded_session: Session, qtbot: QtBot) -> None:
    empty = shown(ShiftPlot(loaded_session), qtbot)
    assert not empty.pane.getPlotItem().getAxis("left").label.isVisible()


def test_a_plot_with_tokens_has_a_title_at_its_axis(plot: ShiftPlot) -> None:
    assert plot.pane.getPlotItem().getAxis("left").label.isVisible()
