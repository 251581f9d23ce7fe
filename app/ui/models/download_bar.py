"""The download bar: progress of the current download, with buttons to cancel and retry."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.state.models.downloads import Download, Downloads, DownloadState
from app.ui.theme import SPACE
from app.ui.translation import translate
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.message_label import MessageLabel
from app.wording import duration, size

_STEPS = 1000
_BAR_HEIGHT = 6


class DownloadBar(QFrame):
    """Shows the first active or failed download; hidden if there is none."""

    def __init__(self, downloads: Downloads, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._downloads = downloads
        self._download: Download | None = None
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("Download"))
        self._title = ElidedLabel()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(_BAR_HEIGHT)
        self._bar.setAccessibleName(self.tr("Progress of the download"))
        self._facts = MessageLabel()
        self.retry = QPushButton(self.tr("Retry"))
        self.retry.clicked.connect(self._on_retry)
        self.cancel = QPushButton()
        self.cancel.clicked.connect(self._on_cancel)
        for button in (self.retry, self.cancel):
            button.setAutoDefault(False)  # in a dialog, Enter must go to the text field
        self._lay_out()
        downloads.changed.connect(self._update)
        self._update()

    @property
    def text(self) -> str:
        """The text of the bar."""
        return f"{self._title.full_text}\n{self._facts.message}"

    def _lay_out(self) -> None:
        texts = QVBoxLayout()
        texts.setSpacing(SPACE // 2)
        for widget in (self._title, self._bar, self._facts):
            texts.addWidget(widget)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE, SPACE, SPACE)
        layout.setSpacing(SPACE)
        layout.addLayout(texts, 1)
        layout.addWidget(self.retry, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignVCenter)

    def _update(self) -> None:
        waiting = self._downloads.downloads
        active = [download for download in waiting if download.active]
        self._download = next(iter(active or waiting), None)
        self.setVisible(self._download is not None)
        if self._download:
            self._show(self._download, len(active) - 1)

    def _show(self, download: Download, others: int) -> None:
        failed = download.state is DownloadState.FAILED
        self._title.show_text(self._describe(download, others))
        if failed:
            self._facts.show_message(str(download.error), "error")
        else:
            self._facts.show_message(facts(download))
        self._bar.setVisible(not failed)
        self._bar.setRange(0, _STEPS if download.total else 0)
        self._bar.setValue(_STEPS * download.done // download.total if download.total else 0)
        self.retry.setVisible(failed)
        self.cancel.setText(self.tr("Dismiss") if failed else self.tr("Cancel"))
        self.cancel.setToolTip(
            ""
            if failed
            else self.tr("Finished files are kept; an unfinished file is downloaded again.")
        )
        self.setAccessibleDescription(self.text)

    def _describe(self, download: Download, others: int) -> str:
        if download.state is DownloadState.FAILED:
            return self.tr("Download of {0} failed").format(download.name)
        text = self.tr("Downloading {0}").format(download.name)
        return self.tr("{0}, {1} more waiting").format(text, others) if others else text

    def _on_retry(self) -> None:
        if self._download:
            self._downloads.retry(self._download)

    def _on_cancel(self) -> None:
        if self._download:
            self._downloads.cancel(self._download)


def facts(download: Download) -> str:
    """Bytes, speed and time left of an active download, in one line."""
    if download.state is DownloadState.WAITING:
        return translate("DownloadBar", "Waiting for the Hub …")
    parts = [
        translate("DownloadBar", "{0} of {1}").format(size(download.done), size(download.total))
    ]
    if download.stalled:
        parts.append(translate("DownloadBar", "stalled: no data received"))
    else:
        if download.speed:
            parts.append(translate("DownloadBar", "{0}/s").format(size(round(download.speed))))
        if download.seconds_left is not None:
            parts.append(
                translate("DownloadBar", "{0} left").format(duration(download.seconds_left))
            )
    return " · ".join(parts)
