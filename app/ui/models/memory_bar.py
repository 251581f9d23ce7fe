"""The memory bar: estimated memory of the recipe, one stacked bar for each device."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.checkpoints.preflight_report import DeviceMemory
from app.ui.models.memory_dialog import show_memory
from app.ui.models.memory_parts import part_color, part_title
from app.ui.state.session import LoadState, Session
from app.ui.theme import SMALL, SPACE, current_theme
from app.wording import size

_BAR = 12
_RADIUS = 4
_LINE = 2


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a bar: the fraction ``share`` of its length, in ``color``."""

    share: float
    color: QColor


class MemoryBar(QAbstractButton):
    """Shows each role's weights in its pair's colour, then the other parts; opens the details."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda: show_memory(session, self))
        session.memory_use.changed.connect(self._update)
        for changed in (session.preflight_changed, session.recipe_changed, session.load_changed):
            changed.connect(self._update)
        self._update()

    @property
    def captions(self) -> list[str]:
        """The caption below each bar."""
        devices = self._devices()
        if not devices:
            text = self._why_unknown()
            return [self.tr("Memory: {0}").format(text)]
        names = [device.device if len(devices) > 1 else self.tr("Memory") for device in devices]
        used = self._session.memory_use.models
        if used and devices[0].fits and [device.device for device in devices] == ["cpu"]:
            return [self._in_use(devices[0], used)]
        return [
            f"{name}: {self._caption(device)}" for name, device in zip(names, devices, strict=True)
        ]

    def _in_use(self, device: DeviceMemory, used: int) -> str:
        """What the loaded models take now, and what they need at most of what is there."""
        return self.tr("Uses {0}, needs {1} of {2}").format(
            size(used), size(device.needed), size(device.free)
        )

    def _why_unknown(self) -> str:
        if self._session.check_problem:
            return self.tr("cannot be estimated")
        if self._session.recipe.base.tuned:
            return self.tr("that of the server")
        if self._session.load_state in (LoadState.STARTING, LoadState.LOADING):
            return self.tr("being estimated …")
        return self.tr("not estimated yet")

    def segments(self, device: DeviceMemory) -> list[Segment]:
        """The segments of a device's bar, from left to right."""
        found, theme = self._session.current_preflight, current_theme()
        if found is None:
            return []
        whole = max(device.free, device.peak, device.needed, 1)
        return [
            Segment(part.size / whole, part_color(part, found.recipe, theme))
            for part in device.parts
        ]

    def sizeHint(self) -> QSize:  # noqa: N802 — Qt's name
        rows = max(len(self._devices()), 1)
        return QSize(120, rows * self._row_height() + 2 * _LINE)

    # Content

    def _devices(self) -> tuple[DeviceMemory, ...]:
        found = self._session.current_preflight
        return found.memory.devices if found else ()

    def _caption(self, device: DeviceMemory) -> str:
        used = self._session.memory_use.models if device.device == "cpu" else 0
        if device.fits and used:
            return self._in_use(device, used)
        if device.fits:
            return self.tr("{0} of {1} free").format(size(device.needed), size(device.free))
        return self.tr("⚠ needs {0}, {1} free").format(size(device.peak), size(device.free))

    def _parts(self) -> list[tuple[str, str]]:
        """The title and the size of each part of the memory estimate, on all devices."""
        found = self._session.current_preflight
        if found is None:
            return []
        return [
            (part_title(part, found.recipe), size(part.size))
            for device in found.memory.devices
            for part in device.parts
        ]

    def _update(self) -> None:
        parts = self._parts()
        listed = ", ".join(f"{title} {amount}" for title, amount in parts)
        text = "; ".join(self.captions)
        named = text.startswith(self.tr("Memory"))
        self.setAccessibleName(text if named else self.tr("Memory: {0}").format(text))
        self.setAccessibleDescription(listed)
        lines = [f"{title}: {amount}" for title, amount in parts]
        lines += [
            self.tr("peak on {0}: {1}").format(device.device, size(device.peak))
            for device in self._devices()
        ]
        self.setToolTip("\n".join(lines))
        self.updateGeometry()
        self.update()

    # Painting

    def _row_height(self) -> int:
        return _BAR + self.fontMetrics().height() + SPACE // 2

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 — Qt's name
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        devices = self._devices()
        for row, caption in enumerate(self.captions):
            top = _LINE + row * self._row_height()
            bar = QRectF(_LINE, top, self.width() - 2 * _LINE, _BAR)
            self._paint_bar(painter, bar, devices[row] if devices else None)
            full = bool(devices) and not devices[row].fits
            painter.setPen(QColor(theme.danger if full else theme.muted))
            below = QRectF(_LINE, bar.bottom() + 1, bar.width(), self.fontMetrics().height() + 2)
            text = self.fontMetrics().elidedText(
                caption, Qt.TextElideMode.ElideRight, int(below.width())
            )
            painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, text)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_bar(self, painter: QPainter, bar: QRectF, device: DeviceMemory | None) -> None:
        theme = current_theme()
        outline = QPainterPath()
        outline.addRoundedRect(bar, _RADIUS, _RADIUS)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(bar, QColor(theme.border if self.underMouse() else theme.hover))
        left = bar.left()
        for segment in self.segments(device) if device else ():
            width = max(segment.share * bar.width(), 1.0)
            painter.fillRect(QRectF(left, bar.top(), width, bar.height()), segment.color)
            left += width
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(theme.border))
        painter.drawPath(outline)
        if device and not device.fits:
            end = bar.left() + bar.width() * device.free / max(device.peak, device.needed)
            painter.setPen(QPen(QColor(theme.danger), 2))
            painter.drawLine(int(end), int(bar.top()) - 1, int(end), int(bar.bottom()) + 1)
