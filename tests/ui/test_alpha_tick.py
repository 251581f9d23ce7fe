"""Tests of the work of one slider step: only slots of alphas_changed run, without disk access."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from app.checkpoints.sources import builtin_checkpoints
from app.ui.main_window import MainWindow
from app.ui.recipe.pair_card import PairCard
from app.ui.recipe.recipe_picker import RecipePicker
from app.ui.state.session import Session
from app.ui.widgets.alpha_slider import AlphaSlider


class Listings:
    """Log of listed directories; an audit hook cannot be removed, so it has a switch."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[object] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and event in ("os.listdir", "os.scandir"):
            self.seen.append(arguments[0])


@pytest.fixture(scope="module")
def hook() -> Listings:
    return Listings()


@pytest.fixture
def listings(hook: Listings) -> Iterator[Listings]:
    hook.seen.clear()
    hook.on = True
    yield hook
    hook.on = False


@pytest.fixture
def window(loaded_session: Session, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    memory = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(loaded_session, memory)
    qtbot.addWidget(window)
    window.show()
    return window


def test_the_check_notices_a_directory_listing(listings: Listings) -> None:
    assert builtin_checkpoints()
    assert listings.seen


def test_a_slider_step_lists_no_directory_and_emits_alphas_changed_only(
    window: MainWindow, loaded_session: Session, listings: Listings, qtbot: QtBot
) -> None:
    slider = window.findChildren(AlphaSlider)[0]
    before = loaded_session.recipe.alphas[0]
    listings.seen.clear()
    with (
        qtbot.assertNotEmitted(loaded_session.recipe_changed),
        qtbot.waitSignal(loaded_session.alphas_changed),
    ):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert loaded_session.recipe.alphas[0] > before
    assert listings.seen == []


def test_views_of_alpha_follow_the_slider(
    window: MainWindow, loaded_session: Session, qtbot: QtBot
) -> None:
    card = window.findChildren(PairCard)[0]
    picker = window.findChildren(RecipePicker)[0]
    loaded_session.set_alpha(0, 1.3)
    assert card.findChildren(AlphaSlider)[0].value() == 26
    titles = [picker._choice.itemText(place) for place in range(picker._choice.count())]
    assert f"{loaded_session.recipe.name} — edited" in titles
    loaded_session.undo_stack.undo()
    assert card.findChildren(AlphaSlider)[0].value() == 20
