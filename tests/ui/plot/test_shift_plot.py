"""The shift plot, driven as a person drives it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.plot.shift_plot import ShiftPlot
from app.ui.plot.shift_series import ShiftSeries
from app.ui.session import Session
from app.ui.theme import DARK, LIGHT, palette
from tests.ui.conftest import FakeBridge

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


def visible_tokens(plot: ShiftPlot) -> tuple[float, float]:
    left, right = plot._view.viewRange()[0]
    return left, right


def place_of(plot: ShiftPlot, index: int, height: float = 0.5) -> QPoint:
    """Where the column of a token is, in the plot's viewport."""
    return plot._plot.mapFromScene(plot._view.mapViewToScene(QPointF(index, height)))


def readout(plot: ShiftPlot) -> str:
    return plot._readout.full_text


def wheel(plot: ShiftPlot, at: QPoint, steps: int) -> None:
    viewport = plot._plot.viewport()
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
    viewport = plot._plot.viewport()
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


# Series


def test_bars_stack_from_zero_and_add_up_to_the_shift(finished_session: Session) -> None:
    assert finished_session.runs.current
    tokens = finished_session.runs.current.tokens
    series = ShiftSeries(2)
    series.extend(tokens)
    heights = np.array([bar[1] for bar in series.bars(0, len(tokens))])
    np.testing.assert_allclose(heights.sum(axis=0), series.p_tuned - series.p_base, atol=1e-4)
    for token in range(len(tokens)):
        edges = [
            sorted((bottoms[token], bottoms[token] + height[token]))
            for bottoms, height in series.bars(0, len(tokens))
        ]
        for low, high in edges:
            assert low >= 0 or high <= 0, "a bar lies on one side of zero"
        (a, b), (c, d) = edges
        assert min(b, d) - max(a, c) < 1e-12, "bars do not cover each other"


def test_series_keeps_what_it_held_while_it_grows(finished_session: Session) -> None:
    assert finished_session.runs.current
    tokens = finished_session.runs.current.tokens
    series = ShiftSeries(2)
    for _ in range(20):
        series.extend(tokens)
    assert series.count == 1200
    expected = [token.attribution.p_tuned for token in tokens] * 20
    np.testing.assert_array_equal(series.p_tuned, expected)


# What is drawn


def test_every_pair_has_bars_in_its_colour(plot: ShiftPlot) -> None:
    image = plot._plot.grab().toImage()
    assert has_color(image, LIGHT.pair_color(0))
    assert has_color(image, LIGHT.pair_color(1))
    assert not has_color(image, LIGHT.pair_color(2))


def test_lines_hold_both_probabilities(plot: ShiftPlot, finished_session: Session) -> None:
    assert finished_session.runs.current
    explained = [token.attribution for token in finished_session.runs.current.tokens]
    np.testing.assert_array_equal(plot._base.yData, [each.p_base for each in explained])
    np.testing.assert_array_equal(plot._tuned.yData, [each.p_tuned for each in explained])
    assert plot._base.opts["pen"].style() == Qt.PenStyle.DashLine
    assert plot._tuned.opts["pen"].style() == Qt.PenStyle.SolidLine


def test_the_lowest_visible_bar_is_not_cut(plot: ShiftPlot) -> None:
    lowest = np.minimum(plot._series.contributions, 0).sum(axis=1).min()
    bottom, top = plot._view.viewRange()[1]
    assert lowest < -0.12, "the invented run has something to cut"
    assert bottom <= lowest
    assert top >= 1


def test_says_what_will_come_while_there_is_nothing(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    empty = plot._empty
    assert isinstance(empty, QLabel)
    assert empty.isVisible()
    loaded_session.runs.generate("Once")
    bridge.decode(3)
    assert not empty.isVisible()


# Following, zooming, panning


def test_follows_the_stream_until_the_person_moves(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    bridge.decode(150)
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
    qtbot.waitUntil(lambda: 209 < visible_tokens(plot)[1] < 212)


def test_wheel_zooms_tokens_around_the_pointer_and_stops(plot: ShiftPlot) -> None:
    before, height = visible_tokens(plot), plot._view.viewRange()[1]
    wheel(plot, place_of(plot, 30), 3)
    after = visible_tokens(plot)
    assert after[1] - after[0] < before[1] - before[0]
    assert after[0] < 30 < after[1]
    assert plot._view.viewRange()[1][1] == pytest.approx(height[1])
    for _ in range(60):
        wheel(plot, place_of(plot, 30), 5)
    assert visible_tokens(plot)[1] - visible_tokens(plot)[0] >= 8 - 1e-6


def test_drag_pans_and_stays_near_the_tokens(plot: ShiftPlot, qtbot: QtBot) -> None:
    wheel(plot, place_of(plot, 30), 6)
    before = visible_tokens(plot)
    middle = plot._plot.viewport().rect().center()
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
    qtbot.mouseClick(plot._plot.viewport(), Left, NoModifier, place_of(plot, index))
    assert finished_session.selection.token == index
    assert plot._band.isVisible()
    assert plot._band.getRegion() == (index - 0.5, index + 0.5)


def test_pointer_reads_out_the_token_and_leaving_returns_to_the_selected(
    plot: ShiftPlot, finished_session: Session, qtbot: QtBot
) -> None:
    finished_session.selection.select(3)
    selected = readout(plot)
    assert selected.startswith("4 ")
    qtbot.mouseMove(plot._plot.viewport(), place_of(plot, 20))
    qtbot.waitUntil(lambda: readout(plot).startswith("21 "))
    for part in ("base", "tuned", "Shakespeare", "Arithmetic"):
        assert part in readout(plot)
    assert finished_session.selection.token == 3
    qtbot.wait(20)  # the library skips moves that come faster than 100 a second
    qtbot.mouseMove(plot._plot.viewport(), QPoint(1, 1))
    qtbot.waitUntil(lambda: readout(plot) == selected)


def test_keys_move_the_selection(plot: ShiftPlot, finished_session: Session, qtbot: QtBot) -> None:
    moves = []
    for key in ("Right", "Right", "Left", "End", "Home"):
        qtbot.keyClick(plot._plot, getattr(Qt.Key, f"Key_{key}"))
        moves.append(finished_session.selection.token)
    assert moves == [0, 1, 0, 59, 0]


def test_selecting_elsewhere_brings_the_token_into_view(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    plot = shown(ShiftPlot(loaded_session), qtbot)
    loaded_session.runs.generate("Once")
    bridge.decode(300)
    assert visible_tokens(plot)[0] > 10
    loaded_session.selection.select(10)
    left, right = visible_tokens(plot)
    assert left <= 10 <= right


def test_description_says_what_the_selected_bar_shows(
    plot: ShiftPlot, finished_session: Session
) -> None:
    finished_session.selection.select(7)
    assert plot.accessibleName()
    assert plot.accessibleDescription().startswith("8 ")
    assert "Shakespeare" in plot.accessibleDescription()


def test_another_run_starts_empty(plot: ShiftPlot, finished_session: Session) -> None:
    finished_session.selection.select(5)
    finished_session.runs.generate("Another")
    assert plot._series.count == 0
    assert not plot._band.isVisible()
    assert readout(plot) == ""


def test_another_appearance_recolours(
    plot: ShiftPlot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = qapp.palette()
    monkeypatch.setattr("app.ui.plot.shift_plot.current_theme", lambda: DARK)
    qapp.setPalette(palette(DARK))
    qapp.processEvents()
    try:
        image = plot._plot.grab().toImage()
        assert image.pixelColor(image.width() - 1, 0) == QColor(DARK.surface)
        assert has_color(image, DARK.pair_color(0))
    finally:
        qapp.setPalette(before)
