"""The course of a training: the plot of its losses, and the samples as they come."""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QSplitter, QTextBrowser, QVBoxLayout, QWidget

from app.ui.state.training.training_record import TrainingRecord
from app.ui.theme import SPACE, current_theme
from app.ui.train.loss_plot import LossPlot

_HEIGHTS = (300, 160)


class CourseView(QWidget):
    """Shows the losses and the samples of one training."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._record: TrainingRecord | None = None
        self._shown: object = None
        self.plot = LossPlot()
        self.samples = QTextBrowser()
        self.samples.setOpenLinks(False)
        self.samples.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.samples.setAccessibleName(self.tr("Samples of the expert, the latest first"))
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.plot)
        parts.addWidget(self.samples)
        parts.setSizes(_HEIGHTS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        layout.addWidget(parts)

    def show_record(self, record: TrainingRecord | None) -> None:
        """Show what has come so far."""
        self._record = record
        self.plot.show_record(record)
        shown = (record, len(record.samples) if record else 0)
        if shown != self._shown:
            self._shown = shown
            self._show_samples()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 — Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_samples()

    def _show_samples(self) -> None:
        theme, record = current_theme(), self._record
        if record is None or not record.samples:
            text = html.escape(
                self.tr("Samples appear here: how the expert continues a held-out text.")
            )
            self.samples.setHtml(f'<p style="color:{theme.muted}">{text}</p>')
            return
        after = self.tr("after step {0}")
        parts = [
            f'<p style="white-space:pre-wrap"><span style="color:{theme.muted}">'
            f"<b>{html.escape(after.format(step))}</b>  {html.escape(sample.prompt)}</span>"
            f"{html.escape(sample.text)}</p>"
            for step, sample in sorted(record.samples.items(), reverse=True)
        ]
        self.samples.setHtml("".join(parts))
