"""Bars of the contributions of each pair to the selected token."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import SPACE, current_theme
from app.wording import signed

_NAME_SHARE = 0.36


class ContributionBars(QWidget):
    """A signed bar for each pair in the pair's colour, with its name and value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: Sequence[str] = ()
        self._shares: Sequence[float] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Contribution of each pair"))

    def show_shares(self, names: Sequence[str], shares: Sequence[float]) -> None:
        """Show the contribution of each pair, in probability."""
        self._names, self._shares = names, shares
        self.setAccessibleDescription(
            "; ".join(f"{name} {signed(share)}" for name, share in zip(names, shares, strict=True))
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(200, self._row_height() * len(self._names))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return self.sizeHint()

    def _row_height(self) -> int:
        return self.fontMetrics().height() + SPACE // 2

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme, metrics = current_theme(), self.fontMetrics()
        painter = QPainter(self)
        name_width = round(self.width() * _NAME_SHARE)
        number_width = metrics.horizontalAdvance("+0.0000")
        left, right = name_width + SPACE, self.width() - number_width - SPACE
        middle, half = (left + right) // 2, (right - left) // 2
        height = self._row_height()
        painter.setPen(theme.border)
        painter.drawLine(middle, 0, middle, height * len(self._names))
        for row, (name, share) in enumerate(zip(self._names, self._shares, strict=True)):
            top, bar = row * height, round(half * min(max(share, -1.0), 1.0))
            painter.fillRect(middle, top + 3, bar, height - 6, theme.pair_color(row))
            painter.setPen(theme.text)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, name_width)
            painter.drawText(0, top, name_width, height, Qt.AlignmentFlag.AlignVCenter, shown)
            painter.drawText(
                right + SPACE,
                top,
                number_width,
                height,
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                signed(share),
            )
        painter.end()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
