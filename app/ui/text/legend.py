"""Legend of the transcript: explains its tints and marks, with numbers and units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.attribution.measures import Measure, Unit
from app.attribution.shapley import MOST_EXACT_PAIRS
from app.ui.text.tint import Scale
from app.ui.text.tint_words import class_title, factor, reduction_title, tint_explanation
from app.ui.text.token_tints import TokenTints
from app.ui.theme import SMALL, SPACE, current_theme
from app.ui.translation import translate
from app.ui.words.unit_words import unit_title

_STEPS = 24
_STEP_WIDTH = 4
_SAMPLE = "aa"


@dataclass(frozen=True, slots=True)
class Marks:
    """Kinds of marks that occur in the shown run; the legend explains only these."""

    flips: bool = True
    others: bool = False
    given: bool = False
    saturated: bool = False


class TintLegend(QWidget):
    """Colour scale of the chosen tint, as a gradient or as classes, followed by the marks.

    Parts that do not fit are left out, those with the highest ``rank`` first; the others keep their
    order. The tool tip and the accessible description explain all parts in words.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self._tints: TokenTints | None = None
        self._marks = Marks()
        self._shown: tuple[object, ...] | None = None
        self.setAccessibleName(self.tr("Legend of the tints"))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_tints(self, tints: TokenTints | None, marks: Marks) -> None:
        """Show the legend of ``tints`` and ``marks``; empty while there is no run."""
        shown = (tints.scale, tints.reduction, marks) if tints else None
        self._tints = tints
        if shown == self._shown:
            return  # this is called every few tokens, and a new layout is expensive
        self._shown, self._marks = shown, marks
        text = "\n".join([*_in_words(tints), *self._marks_in_words()]) if tints else ""
        self.setToolTip(text)
        self.setAccessibleDescription(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        width = sum(part.width for part in self._parts())
        return QSize(round(width), self.fontMetrics().height() + 4)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        return QSize(0, self.sizeHint().height())

    @property
    def scale_width(self) -> int:
        """Width below which there is no colour scale."""
        scale = [part.width for part in self._parts(short=True) if part.rank == 0]
        return max(round(sum(scale)) - SPACE, 0)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        painter = QPainter(self)
        left = 0.0
        for part in self._fitting():
            part.paint(painter, left)
            left += part.width
        painter.end()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    # Parts

    def _fitting(self) -> list[_Part]:
        """The parts that fit into the width: the scale has priority, then marks, then the rest."""
        room = self.width() + SPACE
        parts = self._parts()
        if sum(part.width for part in parts if part.rank <= 1) > room:
            parts = self._parts(short=True)
        scale = [part for part in parts if part.rank == 0]
        if sum(part.width for part in scale) > room:  # showing only some classes would mislead
            scale = []
        kept = list(scale)
        for part in sorted(parts, key=lambda part: part.rank):
            if part.rank and sum(one.width for one in kept) + part.width <= room:
                kept.append(part)
        return [part for part in parts if part in kept]

    def _parts(self, *, short: bool = False) -> list[_Part]:
        if self._tints is None:
            return []
        scale = self._tints.scale
        parts = self._classes(scale, short) if scale.classes else [self._gradient(scale, short)]
        if self._tints.reduction is not None:
            parts.append(self._text(reduction_title(self._tints.reduction), rank=3))
        if self._marks.flips:
            text = self.tr("flip") if short else self.tr("flip: most probable token changed")
            parts.append(self._sample(text, _underline, rank=1))
        if self._marks.saturated:
            parts.append(self._sample(self.tr("beyond the scale"), _bar, rank=1))
        if self._marks.others:
            parts.append(self._sample(self.tr("different at α"), _dots, rank=2))
        if self._marks.given:
            parts.append(self._sample(self.tr("given"), _corner, rank=2))
        return parts

    def _marks_in_words(self) -> list[str]:
        words = []
        if self._marks.flips:
            words.append(
                self.tr("Underlined: a flip, where the experts changed the most probable token.")
            )
        if self._marks.saturated:
            words.append(self.tr("Bar above: the number is beyond the darkest colour."))
        if self._marks.others:
            words.append(
                self.tr(
                    "Dotted line above: another token would have been generated at the "
                    "α of the what-if bar."
                )
            )
        if self._marks.given:
            words.append(self.tr("Corner: the token was given, not sampled."))
        return words

    def _gradient(self, scale: Scale, short: bool) -> _Part:
        low, high = scale_ends(scale)
        texts = low, self.tr("{0} {1}").format(high, unit_title(scale.unit))
        widths = [self.fontMetrics().horizontalAdvance(text) for text in texts]
        step_width = _STEP_WIDTH // 2 if short else _STEP_WIDTH
        bar = _STEPS * step_width

        def paint(painter: QPainter, left: float) -> None:
            self._write(painter, left, widths[0], texts[0])
            left += widths[0] + SPACE // 2
            for step in range(_STEPS):
                share = step / (_STEPS - 1)
                value = scale.limit * (2 * share - 1 if scale.diverging else share)
                area = QRectF(left + step * step_width, 3, step_width, self.height() - 6)
                painter.fillRect(area, scale.color(value))
            self._write(painter, left + bar + SPACE // 2, widths[1], texts[1])

        return _Part(sum(widths) + bar + 2 * SPACE, paint)

    def _classes(self, scale: Scale, short: bool) -> list[_Part]:
        """A swatch for each class; with ``short`` only the first one has a full title."""
        first, *others = scale.classes
        parts = [self._swatch(class_title(first), scale.color(first))]
        for rank in others:
            title = f"{rank:,}" if short else class_title(rank)
            parts.append(self._swatch(title, scale.color(rank)))
        beyond = scale.classes[-1] + 1
        return [*parts, self._swatch(class_title(beyond), scale.color(beyond))]

    def _swatch(self, text: str, color: QColor) -> _Part:
        width = self.fontMetrics().horizontalAdvance(text)

        def paint(painter: QPainter, left: float) -> None:
            area = QRectF(left, 2, width + SPACE, self.height() - 4)
            painter.fillRect(area, color)
            self._write(painter, left + SPACE / 2, width, text, current_theme().text)

        return _Part(width + SPACE + SPACE / 2, paint)

    def _text(self, text: str, rank: int) -> _Part:
        width = self.fontMetrics().horizontalAdvance(text)
        return _Part(width + SPACE, lambda p, left: self._write(p, left, width, text), rank)

    def _sample(self, text: str, mark: Callable[[QPainter, QRectF], None], rank: int) -> _Part:
        metrics = self.fontMetrics()
        sample, width = metrics.horizontalAdvance(_SAMPLE), metrics.horizontalAdvance(text)

        def paint(painter: QPainter, left: float) -> None:
            self._write(painter, left, sample, _SAMPLE, current_theme().text)
            mark(painter, QRectF(left, 1, sample, self.height() - 2))
            self._write(painter, left + sample + SPACE / 2, width, text)

        return _Part(sample + width + SPACE + SPACE / 2, paint, rank)

    def _write(
        self, painter: QPainter, left: float, width: float, text: str, color: str = ""
    ) -> None:
        painter.setPen(QColor(color or current_theme().muted))
        area = QRectF(left, 0, width + 1, self.height())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the legend. ``width`` includes the gap after it.

    Attributes:
        paint: Paints the part at a distance from the left edge.
        rank: Parts with the highest rank are left out first; the scale has 0.
    """

    width: float
    paint: Callable[[QPainter, float], None]
    rank: int = 0


def _underline(painter: QPainter, area: QRectF) -> None:
    painter.setPen(QPen(QColor(current_theme().text), 1.4))
    painter.drawLine(QLineF(area.bottomLeft(), area.bottomRight()))


def _bar(painter: QPainter, area: QRectF) -> None:
    painter.setPen(QPen(QColor(current_theme().text), 2.5))
    painter.drawLine(QLineF(area.topLeft(), area.topRight()))


def _dots(painter: QPainter, area: QRectF) -> None:
    painter.setPen(QPen(QColor(current_theme().accent), 1.6, Qt.PenStyle.DotLine))
    painter.drawLine(QLineF(area.topLeft(), area.topRight()))


def _corner(painter: QPainter, area: QRectF) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(current_theme().muted))
    top = area.topLeft()
    painter.drawPolygon([top, top + QPointF(4, 0), top + QPointF(0, 4)])


def scale_ends(scale: Scale) -> tuple[str, str]:
    """The numbers at the two ends of a gradient."""
    limit = _short(scale.limit)
    return (f"−{limit}", f"+{limit}") if scale.diverging else ("0", limit)


def _short(value: float) -> str:
    return f"{value:g}"


def _in_words(tints: TokenTints) -> list[str]:
    scale = tints.scale
    words = [tint_explanation(tints.tint.measure, scale.unit, alone=not tints.series.pairs)]
    if tints.tint.measure is Measure.CONTRIBUTION and tints.series.pairs > MOST_EXACT_PAIRS:
        words.append(translate("Tints", "Approximate: estimated from sampled orders of the pairs."))
    if tints.tint.measure is Measure.SHIFT and scale.unit is Unit.BITS:
        words.append(
            translate("Tints", "Darkest colour from {0} bits: {1} or {2}.").format(
                _short(scale.limit), factor(scale.limit), factor(-scale.limit)
            )
        )
    elif not scale.classes:
        limit = _short(scale.limit)
        words.append(
            translate("Tints", "Darkest colour from {0} {1}.").format(limit, unit_title(scale.unit))
        )
    if tints.reduction is not None:
        how = reduction_title(tints.reduction)
        words.append(translate("Tints", "A group shows the {0} of its tokens.").format(how))
    return words
