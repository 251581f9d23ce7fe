"""Tests of the mode of the window, text or chat, which is remembered for each recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from app.checkpoints.spec import CheckpointSpec, Recipe
from app.settings import Settings
from app.ui.state.session import Session
from tests.ui.conftest import FakeBridge


@pytest.fixture
def other(recipe: Recipe) -> Recipe:
    """A recipe of a chat model."""
    return replace(recipe, base=CheckpointSpec("builtin:demo/shakespeare", prompt="chat"))


def test_a_recipe_with_a_chat_template_begins_as_a_chat(session: Session, other: Recipe) -> None:
    assert not session.mode.chat
    session.open_recipe(other)
    assert session.mode.chat
    session.undo_stack.undo()
    assert not session.mode.chat


def test_a_choice_is_kept_while_the_roles_change_and_returns_with_its_recipe(
    session: Session, recipe: Recipe, other: Recipe
) -> None:
    session.mode.choose(True)
    session.set_alpha(0, 2.0)
    session.set_spec(0, CheckpointSpec("builtin:demo/arithmetic"))
    assert session.mode.chat
    session.open_recipe(other)
    session.mode.choose(False)
    session.open_recipe(replace(recipe, name="Another name"))
    assert session.mode.chat
    session.open_recipe(other)
    assert not session.mode.chat


def test_choices_survive_a_restart(session: Session, recipe: Recipe, tmp_path: Path) -> None:
    session.mode.choose(True)
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    session.mode.remember(store)
    again = Session(FakeBridge(), recipe, Settings())  # type: ignore[arg-type]
    again.mode.restore(store)
    assert again.mode.chat


@pytest.mark.parametrize("saved", ["", "[1]", "{", '{"a": 3}'])
def test_damaged_choices_are_ignored(session: Session, tmp_path: Path, saved: str) -> None:
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    store.setValue("writing mode", saved)
    session.mode.restore(store)
    assert not session.mode.chat
