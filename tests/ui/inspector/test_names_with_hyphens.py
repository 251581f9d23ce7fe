"""Tests that only numbers get a minus sign: names of models are full of hyphens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.checkpoints.spec import Recipe
from app.ui.inspector.inspector import Inspector
from app.ui.state.session import Session
from tests.ui.inspector.test_inspector import labels

pytestmark = [pytest.mark.window, pytest.mark.slow]


@pytest.fixture
def recipe(recipe: Recipe) -> Recipe:
    return replace(recipe, pairs=(replace(recipe.pairs[0], name="Foo-1B-it", alpha=-0.5),))


def test_a_hyphen_in_the_name_of_a_pair_stays_a_hyphen(
    finished_session: Session, qtbot: QtBot
) -> None:
    view = Inspector(finished_session)
    qtbot.addWidget(view)
    view.show()
    finished_session.selection.select(3)
    assert "Foo-1B-it −0.5" in labels(view)
