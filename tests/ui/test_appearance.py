"""Tests of the theme chosen in the preferences."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.ui.appearance import Appearance
from app.ui.state.session import Session
from app.ui.theme import DARK, LIGHT, current_theme, stylesheet


@pytest.fixture(autouse=True)
def look_is_put_back(qapp: QApplication) -> Iterator[None]:
    palette, sheet = qapp.palette(), qapp.styleSheet()
    yield
    qapp.setPalette(palette)
    qapp.setStyleSheet(sheet)
    qapp.styleHints().setColorScheme(Qt.ColorScheme.Unknown)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "theme"), [("dark", DARK), ("light", LIGHT)])
def test_a_theme_chosen_in_preferences_is_applied_at_once(
    qapp: QApplication, session: Session, name: str, theme: object
) -> None:
    other = {"dark": "light", "light": "dark"}[name]
    session.set_settings(replace(session.settings, theme=other))
    Appearance(qapp, session)  # kept alive by the session
    gc.collect()
    assert current_theme() is not theme
    session.set_settings(replace(session.settings, theme=name))
    assert current_theme() is theme
    assert qapp.styleSheet() == stylesheet(current_theme())


def test_appearance_is_deleted_with_the_session(qapp: QApplication, session: Session) -> None:
    appearance = Appearance(qapp, session)
    assert appearance.parent() is session
