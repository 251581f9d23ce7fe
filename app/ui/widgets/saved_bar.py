"""Bar that says where a file was written, with a button that shows its folder."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.ui.state.saved_files import SavedFiles
from app.ui.theme import SPACE
from app.ui.widgets.elided_label import ElidedLabel


class SavedBar(QFrame):
    """Names the file that was written last, until it is dismissed."""

    def __init__(self, saved: SavedFiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._saved = saved
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("Saved file"))
        self.text = ElidedLabel()
        self.folder = QPushButton(self.tr("Show in folder"))
        self.folder.clicked.connect(self._show_folder)
        self.dismiss = QPushButton(self.tr("Dismiss"))
        self.dismiss.clicked.connect(saved.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE // 2, SPACE, SPACE // 2)
        layout.setSpacing(SPACE)
        layout.addWidget(self.text, 1)
        for button in (self.folder, self.dismiss):
            button.setAutoDefault(False)
            layout.addWidget(button)
        saved.changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        path = self._saved.last
        text = self.tr("Saved {0}").format(path) if path else ""
        self.text.show_text(text)
        self.setAccessibleDescription(text)
        self.setVisible(path is not None)

    def _show_folder(self) -> None:
        if self._saved.last:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._saved.last.parent)))
