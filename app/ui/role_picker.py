"""Chooses the checkpoint of one role and shows how it stands with loading it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.sources import builtin_checkpoints
from app.ui.elided_label import ElidedLabel
from app.ui.quiet_wheel import QuietWheel
from app.ui.session import LoadState, Session
from app.ui.theme import SMALL

_BROWSE = "browse"


class RolePicker(QWidget):
    """Built-in checkpoints, the folders that the recipe uses, and any other folder.

    Args:
        session: The state.
        place: The role's place in ``Recipe.roles``.
        title: What to call the role, for screen readers.
    """

    def __init__(
        self, session: Session, place: int, title: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._place = place
        self._choice = QComboBox()
        self._choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._choice.setAccessibleName(title)
        self._choice.activated.connect(self._on_activated)
        QuietWheel(self).watch(self._choice)
        self._caption = ElidedLabel()
        self._caption.setProperty("role", "caption")
        font = self._caption.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self._caption.setFont(font)
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._choice)
        layout.addWidget(self._caption)
        layout.addWidget(self._progress)
        self.setFocusProxy(self._choice)
        self.setAcceptDrops(True)
        session.recipe_changed.connect(self._fill)
        session.load_changed.connect(self._update_state)
        session.run_changed.connect(self._update_state)
        self._fill()

    def choose_folder(self, folder: str) -> None:
        """Use the checkpoint in ``folder``."""
        if folder:
            self._session.set_source(self._place, f"folder:{folder}")

    def _source(self) -> str | None:
        specs = self._session.recipe.checkpoints()
        return specs[self._place].source if self._place < len(specs) else None

    def _fill(self) -> None:
        source = self._source()
        if source is None:
            return  # this pair has just been removed
        used = [spec.source for spec in self._session.recipe.checkpoints()]
        sources = list(dict.fromkeys([*builtin_checkpoints(), *used]))
        with QSignalBlocker(self._choice):
            self._choice.clear()
            for item in sources:
                self._choice.addItem(short_name(item), item)
                self._choice.setItemData(
                    self._choice.count() - 1,
                    item.partition(":")[2],
                    Qt.ItemDataRole.ToolTipRole,
                )
            self._choice.insertSeparator(self._choice.count())
            self._choice.addItem(self.tr("Folder …"), _BROWSE)
            self._choice.setCurrentIndex(sources.index(source))
        self._choice.setToolTip(source.partition(":")[2])
        self._update_state()

    def _on_activated(self, index: int) -> None:
        chosen = self._choice.itemData(index)
        if chosen == _BROWSE:
            self._choice.setCurrentIndex(self._choice.findData(self._source()))
            self._browse()
        elif chosen != self._source():
            self._session.set_source(self._place, chosen)

    def _browse(self) -> None:
        start = self._session.settings.model_folder or str(Path.home())
        dialog = QFileDialog(self, self.tr("Choose the folder of a checkpoint"), start)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.choose_folder)
        dialog.open()

    def _update_state(self) -> None:
        session = self._session
        self._choice.setEnabled(session.editable)
        self._choice.setAccessibleDescription(
            "" if session.editable else self.tr("Stop the run to change models")
        )
        roles = session.recipe.roles()
        if self._place >= len(roles):
            return
        progress = session.load_progress.get(roles[self._place][0])
        loading = session.load_state is LoadState.LOADING and progress is not None
        self._progress.setVisible(
            loading and progress is not None and progress.done < progress.total
        )
        if progress is not None:
            self._progress.setRange(0, max(progress.total // 1024, 1))
            self._progress.setValue(progress.done // 1024)
        self._caption.show_text(self._describe())

    def _describe(self) -> str:
        session = self._session
        if self._place < len(session.roles_in_force):
            role = session.roles_in_force[self._place]
            parts = [f"{role.parameters / 1e6:,.1f} M", role.dtype, role.device]
            return " · ".join([*parts, self.tr("shared")] if role.shared else parts)
        progress = session.load_progress.get(session.recipe.roles()[self._place][0])
        if session.load_state is LoadState.LOADING and progress:
            if progress.done >= progress.total:
                return self.tr("loaded")
            return self.tr("loading {0} of {1} MB").format(
                f"{progress.done / 1e6:,.0f}", f"{progress.total / 1e6:,.0f}"
            )
        return {
            LoadState.STARTING: self.tr("starting torch …"),
            LoadState.LOADING: self.tr("waiting"),
            LoadState.FAILED: self.tr("not loaded"),
        }.get(session.load_state, "")

    # Events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 — Qt's name
        if self._session.editable and any(
            Path(url.toLocalFile()).is_dir() for url in event.mimeData().urls()
        ):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 — Qt's name
        self.choose_folder(event.mimeData().urls()[0].toLocalFile())


def short_name(source: str) -> str:
    """The last part of a source: what people call the checkpoint."""
    return source.rstrip("/").replace(":", "/").rsplit("/", 1)[-1]
