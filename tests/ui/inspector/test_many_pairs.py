"""Tests that views label the sampled contributions of more than six pairs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.ui.inspector.inspector import Inspector
from app.ui.state.session import Session
from app.ui.summary.summary_panel import SummaryPanel
from tests.ui.conftest import FakeBridge
from tests.ui.inspector.test_inspector import labels


@pytest.fixture
def recipe(recipe: Recipe) -> Recipe:
    pair = recipe.pairs[0]
    return replace(recipe, pairs=tuple(replace(pair, name=f"P{i}", alpha=0.3) for i in range(7)))


def test_sampled_contributions_are_labelled_approximate(
    finished_session: Session, qtbot: QtBot
) -> None:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    view.resize(340, 900)
    view.show()
    finished_session.selection.select(3)
    told = labels(view)
    assert "Contribution of each pair, approximate" in told
    assert "Candidates, contributions approximate" in told


def test_the_summary_labels_sampled_contributions_too(
    finished_session: Session, bridge: FakeBridge, qtbot: QtBot
) -> None:
    panel = SummaryPanel(finished_session)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel._tallies.waiting == 0)
    told = "\n".join(label.text() for label in panel.findChildren(QLabel))
    assert "more than six pairs" in told
