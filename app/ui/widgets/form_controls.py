"""Form controls for narrow, scrolling panels.

They ignore the mouse wheel without focus, and shorten texts that do not fit.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QLocale, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from app.ui.theme import SPACE, current_theme

_ARROW_WIDTH = 20
_CHEVRON = 4


class ChoiceBox(QComboBox):
    """Combo box of any width, with text that is shortened in the middle.

    Args:
        prefix: Muted text before the choice, in a column of ``prefix_width`` pixels.
    """

    def __init__(
        self, prefix: str = "", prefix_width: int = 0, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._prefix = prefix
        self._prefix_width = prefix_width
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 — Qt's name
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        place = self.rect().adjusted(SPACE, 0, -_ARROW_WIDTH, 0)
        if self._prefix:
            painter.setPen(QColor(current_theme().muted))
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self._prefix)
            place.setLeft(place.left() + self._prefix_width)
        theme = current_theme()
        painter.setPen(QColor(theme.text if self.isEnabled() else theme.muted))
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self._shortened(place.width()))

    def _shortened(self, width: int) -> str:
        return self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideMiddle, width
        )


def choice_of(titles: dict[str, str], chosen: str) -> ChoiceBox:
    """Make a combo box of values with titles; selects the first one if ``chosen`` is missing."""
    box = ChoiceBox()
    for value, title in titles.items():
        box.addItem(title, value)
    box.setCurrentIndex(max(box.findData(chosen), 0))
    return box


class NumberBox(QDoubleSpinBox):
    """Spin box of a number; typed numbers outside the range are clamped.

    Args:
        lowest: The minimum; ``at_lowest``, if given, is shown instead of it.
        highest: The maximum.
        step: Step of the arrow keys.
        decimals: Maximum number of decimals.
        trim: Whether to omit trailing zeros.
    """

    def __init__(
        self,
        lowest: float,
        highest: float,
        step: float,
        decimals: int,
        at_lowest: str = "",
        trim: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._trim = trim
        self.setDecimals(decimals)
        self.setRange(lowest, highest)
        self.setSingleStep(step)
        self.setSpecialValueText(at_lowest)
        # The style sheet hides the buttons: with NoButtons Qt leaves no room for the text.
        self.lineEdit().setTextMargins(SPACE - 3, 0, SPACE - 3, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_value(self, value: float) -> None:
        """Show ``value`` without emitting signals or changing a number that is being typed."""
        if value != self.value():
            self.blockSignals(True)
            self.setValue(value)
            self.blockSignals(False)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 — Qt's name
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def textFromValue(self, value: float) -> str:  # noqa: N802 — Qt's name
        locale = self.locale()
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        text = locale.toString(value, "f", self.decimals())
        point = locale.decimalPoint()
        return text.rstrip("0").removesuffix(point) if self._trim and point in text else text

    def valueFromText(self, text: str) -> float:  # noqa: N802 — Qt's name
        number = self._number(text)
        return super().valueFromText(text) if number is None else number

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        if self._number(text) is None:
            return super().validate(text, position)
        return QValidator.State.Acceptable, text, position

    def _number(self, text: str) -> float | None:
        number, valid = self.locale().toDouble(text.strip())
        return number if valid and math.isfinite(number) else None


class NameEdit(QLineEdit):
    """Line edit of a name, shortened in the middle while it is not edited."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        width = self.width() - SPACE
        if self.hasFocus() or self.fontMetrics().horizontalAdvance(self.text()) <= width:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, width)
        painter.setPen(QColor(current_theme().text))
        painter.drawText(self.rect().adjusted(3, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, shown)
        painter.end()


class Disclosure(QPushButton):
    """Button that opens and closes the section below it; its text summarizes the section."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setProperty("role", "disclosure")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._summary = ""

    def show_text(self, text: str) -> None:
        """Set the text; it is shortened if it does not fit."""
        self._summary = text
        self.update()

    @property
    def summary(self) -> str:
        """The whole text."""
        return self._summary

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(120, self.fontMetrics().height() + 12)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        super().paintEvent(event)
        painter = QPainter(self)
        place = self.rect().adjusted(SPACE, 0, -_ARROW_WIDTH - 2, 0)
        text = self.fontMetrics().elidedText(
            self._summary, Qt.TextElideMode.ElideRight, place.width()
        )
        painter.setPen(self.palette().color(QPalette.ColorRole.ButtonText))
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
        self._draw_chevron(painter)
        painter.end()

    def _draw_chevron(self, painter: QPainter) -> None:
        box = QRect(0, 0, 2 * _CHEVRON, 2 * _CHEVRON)
        box.moveCenter(self.rect().center())
        box.moveRight(self.width() - SPACE)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(box.center())
        painter.rotate(0 if self.isChecked() else -90)
        painter.setPen(QPen(QColor(current_theme().muted), 1.5))
        half = _CHEVRON // 2
        painter.drawPolyline([QPoint(-_CHEVRON, -half), QPoint(0, half), QPoint(_CHEVRON, -half)])
