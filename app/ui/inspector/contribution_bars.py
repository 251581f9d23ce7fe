"""Bars of the contributions of each pair to the selected token."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.attribution.attribution import TokenAttribution
from app.attribution.measures import BIT, Unit
from app.colors import FULL_SHIFT_BITS
from app.ui.theme import SPACE, current_theme
from app.ui.words.unit_words import contribution

_NAME_SHARE = 0.36


class ContributionBars(QWidget):
    """A signed bar for each pair in the pair's colour, with its name and value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: Sequence[str] = ()
        self._shares: Sequence[float] = ()
        self._texts: Sequence[str] = ()
        self._full = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Contribution of each pair"))

    def show_shares(
        self, names: Sequence[str], explained: TokenAttribution, unit: Unit = Unit.PROBABILITY
    ) -> None:
        """Show the contribution of each pair.

        Args:
            names: The pairs.
            explained: The attribution of a token.
            unit: Probability, or bits or nats of log-probability.
        """
        in_logs = explained.logprob_contributions
        both = tuple(zip(explained.contributions, in_logs, strict=True))
        self._names = names
        self._texts = [contribution(share, log, unit) for share, log in both]
        self._shares, self._full = explained.contributions, 1.0
        if unit is not Unit.PROBABILITY:
            self._shares = in_logs
            finite = (abs(share) for share in in_logs if isfinite(share))
            self._full = max(FULL_SHIFT_BITS * BIT, *finite, 0.0)
        self.setAccessibleDescription(
            "; ".join(f"{name} {text}" for name, text in zip(names, self._texts, strict=True))
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
        number_width = max(map(metrics.horizontalAdvance, ("+0.0000", *self._texts)))
        left, right = name_width + SPACE, self.width() - number_width - SPACE
        middle, half = (left + right) // 2, (right - left) // 2
        height = self._row_height()
        painter.setPen(theme.border)
        painter.drawLine(middle, 0, middle, height * len(self._names))
        each = zip(self._names, self._shares, self._texts, strict=True)
        for row, (name, share, text) in enumerate(each):
            size = 0.0 if isnan(share) else min(max(share / self._full, -1.0), 1.0)
            top, bar = row * height, round(half * size)
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
                text,
            )
        painter.end()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
