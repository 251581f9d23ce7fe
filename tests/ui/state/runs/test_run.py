"""Tests of the attribution columns of a run."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot

from app.ui.plot.shift_plot import ShiftPlot
from app.ui.state.session import Session
from app.ui.text.transcript_edit import TranscriptText
from tests.ui.conftest import FakeBridge


def test_columns_of_a_run_are_cached_for_all_views(finished_session: Session, qtbot: QtBot) -> None:
    plot, edit = ShiftPlot(finished_session), TranscriptText(finished_session)
    qtbot.addWidget(plot)
    qtbot.addWidget(edit)
    run = finished_session.runs.current
    assert run
    assert edit.tints
    for series in (plot.series, edit.tints.series):
        assert np.shares_memory(series.kl, run.series.kl)
        np.testing.assert_array_equal(
            series.kl, [token.attribution.kl for token in run.tokens], strict=True
        )


def test_earlier_columns_do_not_change_when_tokens_are_added(
    loaded_session: Session, bridge: FakeBridge
) -> None:
    loaded_session.runs.generate("Once")
    run = loaded_session.runs.current
    assert run is not None
    bridge.start_run()
    bridge.decode(3)
    had = run.series
    bridge.decode(400, start=3)  # more than the initial capacity
    assert (had.count, run.series.count) == (3, 403)
    for index, token in enumerate(run.tokens):
        assert run.series.kl[index] == token.attribution.kl
        assert index >= 3 or had.kl[index] == token.attribution.kl
