"""The export bar: how far an export is, with a button that cancels it."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QWidget

from app.ui.state.records.exports import Exports
from app.ui.theme import SPACE
from app.ui.widgets.elided_label import ElidedLabel

_INTERVAL_MS = 200
_BAR_HEIGHT = 6


class ExportBar(QFrame):
    """Shows the export in progress; hidden at first, as most exports take no longer."""

    def __init__(self, exports: Exports, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._exports = exports
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("Export"))
        self.text = ElidedLabel()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(_BAR_HEIGHT)
        self.progress.setAccessibleName(self.tr("Progress of the export"))
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.setToolTip(self.tr("Leave the file as it was"))
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(exports.cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE // 2, SPACE, SPACE // 2)
        layout.setSpacing(SPACE)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.progress, 1)
        layout.addWidget(self.cancel)
        self.timer = QTimer(self, interval=_INTERVAL_MS)
        self.timer.timeout.connect(self._show)
        exports.changed.connect(self._update)
        self.setVisible(False)
        self._update()

    def _update(self) -> None:
        if not self._exports.active:
            self.timer.stop()
            self.setVisible(False)
        elif not self.timer.isActive():
            self.timer.start()

    def _show(self) -> None:
        export, *others = self._exports.active
        text = self.tr("Exporting to {0}").format(export.path)
        if others:
            text = self.tr("{0}, {1} more waiting").format(text, len(others))
        self.text.show_text(text)
        self.progress.setRange(0, export.total if export.done else 0)
        self.progress.setValue(export.done)
        self.setAccessibleDescription(text)
        self.setVisible(True)
