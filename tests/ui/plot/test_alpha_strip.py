"""Tests of the strip of α below the plot: when it is shown, and that its lines have the alphas."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from pytestqt.qtbot import QtBot

from app.ui.plot.alpha_strip import AlphaStrip
from app.ui.plot.token_view import TokenView
from app.ui.state.session import Session
from app.ui.theme import LIGHT
from app.ui.widgets.redraw_pace import RedrawPace
from tests.ui.conftest import FakeBridge, invent_step


def made(session: Session, qtbot: QtBot) -> AlphaStrip:
    strip = AlphaStrip(session, TokenView())
    qtbot.addWidget(strip)
    return strip


def test_it_is_hidden_while_every_token_has_the_same_alphas(
    finished_session: Session, qtbot: QtBot
) -> None:
    assert made(finished_session, qtbot).isHidden()


def test_each_pair_has_a_line_of_the_alphas_that_were_used(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    strip = made(loaded_session, qtbot)
    loaded_session.runs.generate("Once")
    bridge.start_run()
    used = [(0.1 * index, 0.04 * index) for index in range(10)] + [(0.0, 0.0)]
    bridge.emit_steps([invent_step(index, alphas, 0) for index, alphas in enumerate(used)])
    bridge.finish_run(tokens=len(used))
    assert not strip.isHidden()
    assert len(strip.lines) == 2
    for pair, line in enumerate(strip.lines):
        np.testing.assert_allclose(line.values, [alphas[pair] for alphas in used])
        assert line.pen.color() == LIGHT.pair_color(pair)
    low, high = strip._plot.getPlotItem().getViewBox().viewRange()[1]
    assert low < 0
    assert high > 0.9


def test_another_run_has_its_own_alphas(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    strip = made(loaded_session, qtbot)
    loaded_session.runs.generate("Once")
    bridge.start_run()
    bridge.emit_steps([invent_step(index, (float(index), 0.4), 0) for index in range(3)])
    bridge.finish_run(tokens=3)
    assert not strip.isHidden()
    loaded_session.runs.generate("Twice")
    bridge.complete(5)
    assert strip.isHidden()
    first = loaded_session.runs.all[0]
    loaded_session.runs.show(first)
    assert not strip.isHidden()
    np.testing.assert_allclose(strip.lines[0].values, [0, 1, 2])


def test_the_lines_of_another_long_run_are_drawn_in_columns_at_once(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    view = TokenView()
    plot = pg.PlotWidget(viewBox=view)
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    strip = AlphaStrip(loaded_session, view)
    qtbot.addWidget(strip)
    for prompt in ("Once", "Twice"):
        loaded_session.runs.generate(prompt)
        bridge.start_run()
        bridge.emit_steps([invent_step(index, (0.01 * index, 0.4), 0) for index in range(40)])
        bridge.finish_run(tokens=40)
    view.setXRange(0, 900, padding=0)
    size = strip.lines[0]._size
    assert size > 1
    loaded_session.runs.show(loaded_session.runs.all[0])
    assert [line._size for line in strip.lines] == [size, size]
    assert len(strip.lines[0].drawn) == -(-40 // size)


def test_tokens_are_drawn_at_the_pace_of_the_plot(
    loaded_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    strip = made(loaded_session, qtbot)
    pace = strip.findChild(RedrawPace)
    assert pace is not None
    loaded_session.runs.generate("Once")
    bridge.start_run()
    bridge.emit_steps([invent_step(index, (float(index), 0.4), 0) for index in range(3)])
    pace.due.emit()
    np.testing.assert_allclose(strip.lines[0].values, [0, 1, 2])
