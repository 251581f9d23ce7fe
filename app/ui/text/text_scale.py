"""Keeps the font of a widget with prompt, text or conversation at the chosen size."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.state.display import Display


def follow_text_scale(
    parent: QWidget, display: Display, font: Callable[[QFont], QFont] = QFont
) -> None:
    """Set the font of a widget now and whenever ``Display.text_scale`` changes.

    Args:
        parent: The widget.
        display: The display settings.
        font: Makes the font at scale 1 from that of the application.
    """
    _TextScale(parent, display, font)


class _TextScale(QObject):
    """Keeps the font of a widget in step with the display settings; the widget owns it."""

    def __init__(self, widget: QWidget, display: Display, font: Callable[[QFont], QFont]) -> None:
        super().__init__(widget)
        self._widget = widget
        self._display = display
        self._font = font
        display.text_scale_changed.connect(self._apply)
        self._apply()

    def _apply(self) -> None:
        font = self._font(QApplication.font())
        font.setPointSizeF(font.pointSizeF() * self._display.text_scale)
        self._widget.setFont(font)
