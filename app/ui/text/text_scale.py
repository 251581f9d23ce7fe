"""Keeps the font of a widget with prompt, text or conversation at the chosen size."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.state.display import Display


class TextScale(QObject):
    """Sets the font of a widget whenever ``Display.text_scale`` changes.

    Args:
        widget: The widget; it owns this object.
        display: The display settings.
        font: Makes the font at scale 1 from that of the application.
    """

    def __init__(
        self, widget: QWidget, display: Display, font: Callable[[QFont], QFont] = QFont
    ) -> None:
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
