"""Applies palette and style sheet to the application, by system settings and preferences."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication

from app.ui.state.session import Session
from app.ui.theme import Theme, palette, preferred_theme, stylesheet

_SCHEMES = {
    "system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}


class Appearance(QObject):
    """Keeps the theme of the application in step with the preferences and the system.

    It lives as long as the session.
    """

    def __init__(self, application: QApplication, session: Session) -> None:
        super().__init__(session)
        self._application = application
        self._session = session
        self._hints = application.styleHints()
        self._theme: Theme | None = None
        self._hints.colorSchemeChanged.connect(self._paint)
        session.settings_changed.connect(self._apply)
        self._apply()

    def _apply(self) -> None:
        self._hints.setColorScheme(_SCHEMES[self._session.settings.theme])
        self._paint()

    def _paint(self) -> None:
        theme = preferred_theme(self._session.settings.theme)
        if theme is self._theme:
            return
        self._theme = theme
        self._application.setPalette(palette(theme))
        self._application.setStyleSheet(stylesheet(theme))
